import { once } from 'node:events';
import { isatty } from 'node:tty';
import { CliError } from '../cli/error.ts';
import { endWithStdout } from '../cli/print.ts';
import { printableLines } from '../cli/printable.ts';
import type { Session } from './job.ts';
import type { Invocation } from './program.ts';

/** Our stdout, which is left alone until there is something to write: an attached `ctr` has its own way with it. */
function openStdout(warn: (text: string) => void): Session['stdout'] {
  let isOpen = false;
  return {
    isTTY: isatty(1),
    async write(text) {
      if (!isOpen) endWithStdout(warn);
      isOpen = true;
      if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    },
  };
}

/** What the system refuses ourselves (a FIFO, a terminal), as Node and we throw it. */
const isRefused = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error;

/** Does the job; gives the exit status. What goes wrong is told on stderr. */
export async function runJob({ job, address, debug }: Invocation): Promise<number> {
  // Where that is gone there is nowhere to say it.
  let stderr: NodeJS.WriteStream | undefined;
  const warn = (text: string): void => {
    stderr ??= process.stderr.on('error', () => {});
    stderr.write(`[ctr] ${printableLines(text)}\n`);
  };
  // gRPC takes most of the time that it takes to start: help and complaints do without.
  const { connect } = await import('./daemon.ts');
  const daemon = connect(address, debug ? warn : () => {});
  const session: Session = { daemon, stdout: openStdout(warn), warn };
  try {
    return await job(session);
  } catch (error) {
    if (!(error instanceof CliError || isRefused(error))) throw error;
    warn(error.message);
    return 1;
  } finally {
    daemon.close();
  }
}
