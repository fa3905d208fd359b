import { ExecaError, execa } from 'execa';
import {
  type CriuFlags,
  checkpointCommand,
  deleteCommand,
  pauseCommand,
  type RuncLocation,
  resumeCommand,
  stateCommand,
} from './command.ts';
import { lastWords } from './log.ts';

/** A runc that failed: the verb, how it ended, and its own last words. */
export class RuncError extends Error {
  override readonly name = 'RuncError';
  readonly verb: string;
  /** Undefined where it was killed, or could not be started at all. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;

  constructor(verb: string, words: string, how: { exitCode?: number | undefined; timedOut?: boolean } = {}) {
    super(words);
    this.verb = verb;
    this.exitCode = how.exitCode;
    this.timedOut = how.timedOut ?? false;
  }

  /** runc knows no such container. */
  get notFound(): boolean {
    return this.message.includes('container does not exist');
  }
}

/** What `runc state` says; more than this is there and not used. */
export type RuncState = {
  id: string;
  pid: number;
  status: 'creating' | 'created' | 'running' | 'paused' | 'stopped';
};

/** How long a verb that only looks or freezes may take. */
const SHORT_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 1_000_000;

/** Runs one runc and gives its stdout; throws a RuncError with its last words. */
async function runc(verb: string, argv: string[], timeoutMs: number): Promise<string> {
  const [file = '', ...args] = argv;
  try {
    const { stdout } = await execa(file, args, {
      stdin: 'ignore',
      timeout: timeoutMs,
      forceKillAfterDelay: 1_000,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return stdout;
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    const words = lastWords(String(error.stderr ?? ''));
    throw new RuncError(verb, words === '' ? error.originalMessage || error.shortMessage : words, error);
  }
}

/** Freezes every process of a container. */
export const pause = (location: RuncLocation, id: string): Promise<unknown> =>
  runc('pause', pauseCommand(location, id), SHORT_TIMEOUT_MS);

/** Thaws a paused container. */
export const resume = (location: RuncLocation, id: string): Promise<unknown> =>
  runc('resume', resumeCommand(location, id), SHORT_TIMEOUT_MS);

/** Removes a container's state and cgroups; with `force`, kills what is left of it first. */
export const deleteContainer = (location: RuncLocation, id: string, force = false): Promise<unknown> =>
  runc('delete', deleteCommand(location, id, force), SHORT_TIMEOUT_MS);

/** Describes a container; RuncError with `notFound` where there is none. */
export async function state(location: RuncLocation, id: string): Promise<RuncState> {
  return JSON.parse(await runc('state', stateCommand(location, id), SHORT_TIMEOUT_MS)) as RuncState;
}

/** Has CRIU write a checkpoint. */
export const checkpoint = (
  location: RuncLocation,
  options: CriuFlags & { id: string; leaveRunning: boolean },
  timeoutMs: number,
): Promise<unknown> => runc('checkpoint', checkpointCommand(location, options), timeoutMs);
