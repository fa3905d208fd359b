import os from 'node:os';
import { parseDaemonFlags } from './cli/daemon-flags.ts';
import { runDaemon } from './daemon.ts';
import { createLog } from './log.ts';

const parsed = parseDaemonFlags(process.argv.slice(2), { hostname: os.hostname() });
if (parsed.kind === 'exit') {
  process.stdout.write(parsed.stdout);
  process.stderr.write(parsed.stderr);
  process.exitCode = parsed.status;
} else {
  const log = createLog(parsed.flags);
  try {
    await runDaemon(parsed.flags, log);
    log.flush(() => process.exit(0));
  } catch (error) {
    process.stderr.write(`[containerd] ${error instanceof Error ? error.message : String(error)}\n`);
    // Whatever it has opened so far would keep it alive.
    log.flush(() => process.exit(1));
  }
}
