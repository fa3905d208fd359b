import { isatty } from 'node:tty';
import { CliError } from '../cli/error.ts';
import type { Session } from './job.ts';
import type { Invocation } from './program.ts';

/** What a shell says of a program that wrote into a pipe without a reader: 128 + SIGPIPE. */
export const STATUS_OF_SIGPIPE = 141;

/** Our stdout, which is left alone until there is something to write: an attached `ctr` has its own way with it. */
function openStdout(warn: (text: string) => void): Session['stdout'] {
  let stdout: NodeJS.WriteStream | undefined;
  const open = (): NodeJS.WriteStream =>
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') warn(error.message);
      process.exit(error.code === 'EPIPE' ? STATUS_OF_SIGPIPE : 1);
    });
  return {
    isTTY: isatty(1),
    write(text) {
      stdout ??= open();
      stdout.write(text);
    },
  };
}

/** Does the job; gives the exit status. What goes wrong is told on stderr. */
export async function runJob({ job, address, debug }: Invocation): Promise<number> {
  const warn = (text: string): void => {
    process.stderr.write(`[ctr] ${text}\n`);
  };
  // gRPC takes most of the time that it takes to start: help and complaints do without.
  const { connect } = await import('./daemon.ts');
  const daemon = connect(address, debug ? warn : () => {});
  const session: Session = { daemon, stdout: openStdout(warn), warn };
  try {
    return await job(session);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    warn(error.message);
    return 1;
  } finally {
    daemon.close();
  }
}
