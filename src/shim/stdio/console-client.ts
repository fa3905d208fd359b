import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { duplicate } from '../../linux/descriptor.ts';
import { errnoText } from '../../linux/error.ts';
import { ShimError } from '../error.ts';
import { openSink } from './open.ts';
import { openClientSides } from './sides.ts';
import { createSink, type Sink } from './sink.ts';
import type { StdioPaths } from './stdio.ts';
import type { Source } from './stream.ts';

const { ENOTTY } = constants.errno;

/** Where what is typed comes from, if from anywhere, and where what is printed goes to. */
export type ConsoleClient = { input?: Source; output: Sink; isTerminal: boolean };

/** What a client has at its end of a terminal; without a `console`, what is typed and printed goes through the paths. */
export type ConsoleClientPaths = Omit<StdioPaths, 'stderr'> & { console: string };

/** Opens the client's end. Rejects with a `ShimError` (`stdio`) if it cannot be opened or the console is no terminal. */
export async function openConsoleClient(paths: ConsoleClientPaths): Promise<ConsoleClient> {
  if (paths.console !== '') {
    return openTerminal(paths.console);
  }
  const { stdin, stdout } = await openClientSides({
    ...paths,
    stdout: paths.stdout || '/dev/null',
    stderr: '',
  });
  if (stdout === undefined) {
    throw new ShimError('stdio', 'a terminal that prints nowhere');
  }
  return { ...(stdin && { input: stdin }), output: stdout, isTerminal: false };
}

async function openTerminal(path: string): Promise<ConsoleClient> {
  const opened = await openSink(path);
  const { fd, kind } = opened;
  const output = createSink(opened);
  if (kind !== 'terminal') {
    output.close();
    throw new ShimError('stdio', `open ${path}: ${errnoText(ENOTTY)}`, { errno: ENOTTY });
  }
  try {
    const own = duplicate(fd);
    return { input: { fd: own, kind, close: () => closeSync(own) }, output, isTerminal: true };
  } catch (error) {
    output.close();
    throw error;
  }
}
