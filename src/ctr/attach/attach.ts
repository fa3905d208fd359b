import { setTimeout } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { CliError } from '../../cli/error.ts';
import { STATUS_OF_SIGPIPE } from '../../cli/print.ts';
import { SystemError } from '../../linux/error.ts';
import { type Daemon, Refusal } from '../daemon.ts';
import type { Session } from '../job.ts';
import type { Ends, Stdio } from './ends.ts';
import { type Exits, followExits } from './exits.ts';
import { catchInterruptions, type Interruptions, Left } from './interruptions.ts';
import { makePipes } from './pipes.ts';
import { makeTerminal } from './terminal.ts';

const STDOUT = 1;
const STATUS_OF_SIGHUP = 129;
const HANG_UP_TIMEOUT_MS = 1_000;

/** A process to be started with our own stdio. */
export type Attachment = {
  /** The container that it is or will be in. */
  id: string;
  /** For the user: the container, or a process in it. */
  what: string;
  terminal: boolean;
  /** Asks the daemon to start it with this stdio; gives its pid. Is aborted where the user goes meanwhile. */
  launch(stdio: Stdio, signal: AbortSignal): Promise<number>;
};

/**
 * Starts a process and stands in for its terminal, or for its three streams, until it ends; gives its exit status. Where
 * the user goes first (a signal, a pipe without a reader) the process goes on, and the status is what a shell would say.
 */
export async function attach(session: Session, attachment: Attachment): Promise<number> {
  const exits = await followExits(session.daemon, attachment.id);
  try {
    return await attachTo(session, attachment, exits);
  } finally {
    exits.close();
  }
}

async function attachTo({ daemon, warn }: Session, attachment: Attachment, exits: Exits): Promise<number> {
  const { id, terminal, launch } = attachment;
  let pid: number | undefined;
  const ends = terminal ? makeTerminal(resizing(daemon, id, () => pid)) : makePipes();
  const close = (): void => ends.close();
  // Even where an error of ours ends us, nothing of it may stay.
  process.once('exit', close);
  const interruptions = catchInterruptions();
  const aborter = new AbortController();
  try {
    pid = await Promise.race([launch(ends.stdio, aborter.signal), interruptions.left]);
    interruptions.passOn(passing(daemon, id, pid, warn));
    return await standIn(pid, ends, exits, interruptions);
  } catch (error) {
    if (!(error instanceof Left)) throw error;
    if (pid === undefined) {
      aborter.abort();
      // A start that is under way is not called off; what waits for its turn is.
      warn(`${attachment.what} may be started all the same: see "ctr containers"`);
    } else {
      warn(`${id} goes on without us`);
    }
    return error.status;
  } finally {
    interruptions.release();
    close();
    process.off('exit', close);
  }
}

/** Copies until the process has ended and all that it wrote has arrived. */
async function standIn(pid: number, ends: Ends, exits: Exits, { left }: Interruptions): Promise<number> {
  const isOnTerminal = isatty(STDOUT);
  const outputs = ends.begin();
  const ended = Promise.all(outputs.map((output) => output.ended)).catch(refuse(isOnTerminal));
  const exited = exits.of(pid);
  const endedFirst = ended.then(() => {
    exits.hurry();
    return exited;
  });
  const status = await Promise.race([exited, endedFirst, left]);
  for (const output of outputs) output.finish();
  await Promise.race([ended, left]);
  return status;
}

const refuse =
  (isOnTerminal: boolean) =>
  async (error: unknown): Promise<never> => {
    if (!(error instanceof SystemError)) throw error;
    if (error.code === 'EPIPE') throw new Left(STATUS_OF_SIGPIPE);
    if (error.code !== 'EIO' || !isOnTerminal) throw new CliError(error.message);
    // Our terminal has been closed: the signal that says so comes when the kernel is done with that.
    await setTimeout(HANG_UP_TIMEOUT_MS, undefined, { ref: false });
    throw new Left(STATUS_OF_SIGHUP);
  };

/** What the daemon says of a process, or a container, that has ended. */
const ENDED = new Set(['NOT_FOUND', 'FAILED_PRECONDITION']);

/** Passes a signal on. A process that has just ended needs none. */
const passing =
  (daemon: Daemon, id: string, pid: number, warn: (text: string) => void) =>
  (signal: number): void => {
    daemon.ask(daemon.client.signal, { id, pid, signal }).catch((error: Error) => {
      if (!(error instanceof Refusal && ENDED.has(error.status))) warn(error.message);
    });
  };

/** Tells a terminal's new size; a daemon that does not know how will see it in the terminal itself. */
const resizing =
  (daemon: Daemon, id: string, pidNow: () => number | undefined) =>
  ({ width, height }: { width: number; height: number }): void => {
    const pid = pidNow();
    if (pid === undefined) return;
    daemon.ask(daemon.client.updateProcess, { id, pid, closeStdin: false, width, height }).catch(() => {});
  };
