import { crashPoint } from '../crash-point.ts';
import { ContainerdError, failureOf } from '../errors.ts';
import { INIT, KILL } from '../machines/messages.ts';
import { deleteContainer, pause, type Runc, RuncError, resume } from '../runc/runc.ts';
import { hasState, initHasEnded, isFrozen, readStateFile } from '../runc/state-file.ts';
import type { ShimClient } from '../shim/client.ts';
import { createSignal } from './deliver.ts';
import { readRecord } from './record.ts';
import { removeFolder } from './remove.ts';
import type { StateDir } from './state-dir.ts';

/** What of a container's life is one call of runc. */

/** The failure in runc's own words. */
function explain(error: unknown): unknown {
  if (!(error instanceof RuncError)) return error;
  if (error.timedOut) return new ContainerdError('runtimeTimeout', error.verb, { cause: error });
  return new ContainerdError('runtimeFailed', error.message, { cause: error });
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

/** A runc that has lost its shim may do its work nevertheless: the freezer says whether it has. */
async function orFrozen({ root }: Runc, id: string, frozen: boolean, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (failureOf(error).error !== 'shimLost') throw error;
    const state = await readStateFile(root, id);
    if (state === undefined || (await isFrozen(state.cgroupPaths)) !== frozen) throw error;
  }
}

export const createPause =
  (runc: Runc) =>
  ({ id }: { id: string }): Promise<void> =>
    orFrozen(runc, id, true, whileItRuns(runc, id, pause(runc, id)));

export const createResume =
  (runc: Runc) =>
  ({ id }: { id: string }): Promise<void> =>
    orFrozen(runc, id, false, whileItRuns(runc, id, resume(runc, id)));

/** KILL, then thaw: on cgroup v1 a frozen process sees no signal until it is thawed. */
export const createKillFrozen = (runc: Runc, shim: () => ShimClient) => {
  const signal = createSignal(shim);
  return async ({ id }: { id: string }): Promise<void> => {
    await signal({ id, process: INIT, signal: KILL });
    await explained(resume(runc, id));
  };
};

/** What is gone already is deleted. */
const unlessGone = (deletion: Promise<void>): Promise<void> =>
  deletion.catch((error: unknown) => {
    if (!(error instanceof RuncError && error.notFound)) throw error;
  });

/**
 * Removes what runc and the daemon hold of an ended container, or of one whose start has failed. Where runc has something
 * of it still, its record stays, for the next daemon to try again.
 */
export const createDelete =
  (runc: Runc, stateDir: StateDir) =>
  async ({ id }: { id: string }): Promise<void> => {
    // Throws for a record that is not understood: such a container was left alone, and is not ours to delete.
    await readRecord(stateDir.container(id));
    crashPoint('delete.record-read');
    try {
      await unlessGone(deleteContainer(runc, id)).catch(() =>
        explained(unlessGone(deleteContainer(runc, id, true))),
      );
    } finally {
      if (!(await hasState(runc.root, id))) await removeFolder(stateDir.container(id));
      crashPoint('delete.folder-removed');
    }
  };
