import {
  type CriuFlags,
  checkpointCommand,
  deleteCommand,
  pauseCommand,
  type RuncLocation,
  resumeCommand,
} from './command.ts';
import { lastWords } from './log.ts';

/** A runc that failed: the verb, how it ended, and its own last words. */
export class RuncError extends Error {
  override readonly name = 'RuncError';
  readonly verb: string;
  /** 128 + signal where one ended it; undefined where it could not be started, or took too long. */
  readonly exitStatus: number | undefined;
  readonly timedOut: boolean;

  constructor(
    verb: string,
    words: string,
    how: { exitStatus?: number; timedOut?: boolean; cause?: unknown } = {},
  ) {
    super(words, { cause: how.cause });
    this.verb = verb;
    this.exitStatus = how.exitStatus;
    this.timedOut = how.timedOut ?? false;
  }

  /** runc knows no such container. */
  get notFound(): boolean {
    return this.message.includes('container does not exist');
  }
}

/** A runc to be run to its end: about which container, its command line, and how long it may take. */
export type RuncCommand = { container: string; argv: string[]; timeoutMs: number };

/**
 * Runs a runc to its end: how it ended, and the end of what it wrote. Throws a `RuncTrouble` where it could not be
 * started or took too long.
 */
export type RunRunc = (command: RuncCommand) => Promise<{ exitStatus: number; output: string }>;

/** Why there is no telling how a runc ended. */
export class RuncTrouble extends Error {
  override readonly name = 'RuncTrouble';
  readonly timedOut: boolean;

  constructor(message: string, { timedOut, cause }: { timedOut: boolean; cause?: unknown }) {
    super(message, { cause });
    this.timedOut = timedOut;
  }
}

/** Which runc, how it is run, and how long it may take. */
export type Runc = RuncLocation & { run: RunRunc; timeoutMs: number };

/** What a verb that only freezes or removes may take at most: an exit is told once its container is deleted. */
const SHORT_TIMEOUT_MS = 30_000;

/** Throws a RuncError with runc's last words where it fails. */
async function succeed(
  { run, timeoutMs: mostMs }: Runc,
  verb: string,
  container: string,
  argv: string[],
  timeoutMs = Math.min(mostMs, SHORT_TIMEOUT_MS),
): Promise<void> {
  const { exitStatus, output } = await run({ container, argv, timeoutMs }).catch((error: unknown) => {
    if (!(error instanceof RuncTrouble)) throw error;
    throw new RuncError(verb, error.message, { timedOut: error.timedOut, cause: error });
  });
  if (exitStatus === 0) return;
  throw new RuncError(verb, lastWords(output) || `runc ${verb} ended with status ${exitStatus}`, {
    exitStatus,
  });
}

/** Freezes every process of a container. */
export const pause = (runc: Runc, id: string): Promise<void> =>
  succeed(runc, 'pause', id, pauseCommand(runc, id));

/** Thaws a paused container. */
export const resume = (runc: Runc, id: string): Promise<void> =>
  succeed(runc, 'resume', id, resumeCommand(runc, id));

/** Removes a container's state and cgroups; with `force`, kills what is left of it first. */
export const deleteContainer = (runc: Runc, id: string, force = false): Promise<void> =>
  succeed(runc, 'delete', id, deleteCommand(runc, id, force));

/** Has CRIU write a checkpoint. */
export const checkpoint = (
  runc: Runc,
  options: CriuFlags & { id: string; leaveRunning: boolean },
  timeoutMs: number,
): Promise<void> => succeed(runc, 'checkpoint', options.id, checkpointCommand(runc, options), timeoutMs);
