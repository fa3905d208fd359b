import type { Ending } from './program.ts';

/** What a shell says of a program that wrote into a pipe without a reader: 128 + SIGPIPE. */
export const STATUS_OF_SIGPIPE = 141;

/**
 * Ends the program where its stdout takes nothing any more: in silence without a reader, with words on stderr for any other
 * reason. Without this Node prints a stack.
 */
export function endWithStdout(warn: (text: string) => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') warn(error.message);
    process.exit(error.code === 'EPIPE' ? STATUS_OF_SIGPIPE : 1);
  });
}

/** Prints what a program that has nothing more to do says, and has it end with that status. */
export function printEnding(name: string, { status, stdout, stderr }: Ending): void {
  endWithStdout((text) => process.stderr.write(`[${name}] ${text}\n`));
  // Where that is gone there is nowhere to say it.
  process.stderr.on('error', () => {});
  process.exitCode = status;
  if (stdout !== '') process.stdout.write(stdout);
  if (stderr !== '') process.stderr.write(stderr);
}
