import { crashPoint } from '../crash-point.ts';
import type { Errands } from '../errands/errands.ts';
import { ContainerdError } from '../errors.ts';
import { INIT, KILL } from '../machines/messages.ts';
import { atMost } from '../patience.ts';
import { isRunc } from '../runc/command.ts';
import { deleteContainer, pause, type Runc, RuncError } from '../runc/runc.ts';
import { hasState, initHasEnded } from '../runc/state-file.ts';
import { sweepContainer } from '../runc/sweep.ts';
import { freezerOf, thaw } from '../runc/thaw.ts';
import type { ShimClient } from '../shim/client.ts';
import { ShimError } from '../shim/error.ts';
import { createSignal } from './deliver.ts';
import { recordFileOf } from './record.ts';
import { troubleOf } from './run-runc.ts';
import type { StateDir } from './state-dir.ts';

/** What of a container's life is one call of runc. */

/** The failure in runc's own words. */
function explain(error: unknown): unknown {
  if (!(error instanceof RuncError)) return error;
  if (error.timedOut) return new ContainerdError('runtimeTimeout', error.verb, { cause: error });
  const { cause } = (error.cause ?? {}) as Error;
  const trouble = cause instanceof ShimError ? troubleOf(cause) : undefined;
  return trouble ?? new ContainerdError('runtimeFailed', error.message, { cause: error });
}

/** Work on a container that may end at any moment, for which runc has words that vary. */
async function whileItRuns({ root }: Runc, id: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const failed = error instanceof RuncError && !error.timedOut;
    if (failed && (await initHasEnded(root, id))) {
      throw new ContainerdError('containerExited', '', { cause: error });
    }
    throw explain(error);
  }
}

const explained = async (work: Promise<unknown>): Promise<void> => {
  try {
    await work;
  } catch (error) {
    throw explain(error);
  }
};

/** What work failed with; undefined where it did not. */
async function failureIn(work: Promise<void>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error;
  }
}

/**
 * Freezes a container. Whether it is frozen, the freezer says: a runc that hangs, fails or has lost its shim may have
 * done it, and one that ends with 0 may not.
 */
export const createPause =
  (runc: Runc) =>
  async ({ id }: { id: string }): Promise<void> => {
    const error = await failureIn(whileItRuns(runc, id, pause(runc, id)));
    const freezer = await freezerOf(runc.root, id);
    if (freezer === 'frozen') return;
    if (freezer === 'freezing') await thaw(runc, id);
    if (error !== undefined) throw error;
    if (freezer === undefined) return;
    throw new ContainerdError('runtimeFailed', 'runc pause ended with status 0 and has not paused it');
  };

/** Thaws a container, whatever becomes of the runc that is to do it. */
export const createResume =
  (runc: Runc) =>
  async ({ id }: { id: string }): Promise<void> => {
    const error = await failureIn(whileItRuns(runc, id, thaw(runc, id)));
    if (error === undefined || (await freezerOf(runc.root, id)) === 'thawed') return;
    throw error;
  };

/** KILL, then thaw: on cgroup v1 a frozen process sees no signal until it is thawed. */
export const createKillFrozen = (runc: Runc, shim: () => ShimClient) => {
  const signal = createSignal(shim);
  return async ({ id }: { id: string }): Promise<void> => {
    await signal({ id, process: INIT, signal: KILL });
    await explained(thaw(runc, id));
  };
};

export type DeleteOptions = {
  runc: Runc;
  stateDir: StateDir;
  shim: () => Pick<ShimClient, 'pid'>;
  errands: Errands;
  /** Resolves once all that was told of the container is in the journal. */
  told: (id: string) => Promise<void> | undefined;
};

/** How long to wait for the journal: longer only where a disk does not take it, which holds no container up. */
const TOLD_TIMEOUT_MS = 1_000;

/**
 * Removes what runc and the daemon hold of an ended container, or of one whose start has failed; by runc, where there is more
 * to do than to remove. What runc does not
 * remove, or knows nothing of because it was killed before it wrote it down, is swept without it: the id is free then.
 * Where even that leaves something, the record stays, for the next daemon to try again.
 */
export const createDelete =
  ({ runc, stateDir, shim, errands, told }: DeleteOptions) =>
  async ({ id }: { id: string }): Promise<void> => {
    // Throws for a record that is not understood: such a container was left alone, and is not ours to delete.
    const file = recordFileOf(stateDir.container(id));
    const root = isRunc(runc) ? runc.root : undefined;
    const removed = await errands({ what: 'remove-ended', file, root, id });
    crashPoint('delete.record-read');
    try {
      if (removed) return;
      const failed = await failureToDelete(runc, id);
      if (failed === undefined && !(await hasState(runc.root, id))) return;
      await sweepContainer(runc.root, id, shim().pid);
      if (failed === undefined || !failed.notFound) throw sweptAfter(failed);
    } finally {
      // Of a start that the journal does not have, nobody but the folder could tell the next daemon.
      await atMost(TOLD_TIMEOUT_MS, told(id));
      crashPoint('delete.told');
      if (removed || !(await hasState(runc.root, id)))
        await errands({ what: 'remove-folder', folder: stateDir.container(id) });
      crashPoint('delete.folder-removed');
    }
  };

/** Has runc delete a container, by force if it must, and gives how that failed. One that hangs is not asked twice. */
async function failureToDelete(runc: Runc, id: string): Promise<RuncError | undefined> {
  const attempt = (force: boolean) => deleteContainer(runc, id, force).then(() => undefined, runcErrorIn);
  try {
    const failed = await attempt(false);
    if (failed === undefined || failed.notFound || failed.timedOut) return failed;
  } catch {
    // The shim that ran it was lost, and there is another now.
  }
  return attempt(true);
}

function runcErrorIn(error: unknown): RuncError {
  if (error instanceof RuncError) return error;
  throw error;
}

/** Nothing is left, but the operator is to know how. */
function sweptAfter(failed: RuncError | undefined): ContainerdError {
  const words =
    failed === undefined ? 'runc delete ended with status 0 and has not deleted it' : failed.message;
  return new ContainerdError('runtimeFailed', `${words}; what it left was removed without it`, {
    cause: failed,
  });
}
