import os from 'node:os';
import { parseDaemonFlags } from './cli/daemon-flags.ts';
import { endThoughHungUp } from './cli/hung-up.ts';
import { printEnding } from './cli/print.ts';
import { runDaemon } from './daemon.ts';
import { createLog } from './log.ts';

/** Bundled next to the daemon. */
const CHARTS_PROGRAM = new URL('./containerd-charts.js', import.meta.url);

const parsed = parseDaemonFlags(process.argv.slice(2), { hostname: os.hostname() });
if (parsed.kind === 'exit') {
  printEnding('containerd', parsed);
} else if (parsed.kind === 'charts') {
  const { runChartCommand }: typeof import('./containerd-charts.ts') = await import(CHARTS_PROGRAM.href);
  printEnding('containerd', await runChartCommand(parsed.command));
} else {
  endThoughHungUp();
  // The launcher has found that whoever started us had it ignored.
  if (process.env.CONTAINERD_NOHUP !== undefined) process.on('SIGHUP', () => {});
  const log = createLog(parsed.flags);
  // A fault of ours, of which nobody can say what it has left half done: containers do not notice a daemon that ends.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a fault: the containers go on, and the next daemon takes them up');
    log.flush(() => process.exit(1));
  });
  try {
    await runDaemon(parsed.flags, log);
    log.flush(() => process.exit(0));
  } catch (error) {
    process.stderr.write(`[containerd] ${error instanceof Error ? error.message : String(error)}\n`);
    // Whatever it has opened so far would keep it alive.
    log.flush(() => process.exit(1));
  }
}
