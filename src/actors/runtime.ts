import { rm } from 'node:fs/promises';
import { ContainerdError } from '../errors.ts';
import { INIT, KILL } from '../machines/messages.ts';
import { deleteContainer, pause, type Runc, RuncError, resume } from '../runc/runc.ts';
import { initHasEnded } from '../runc/state-file.ts';
import type { ShimClient } from '../shim/client.ts';
import { createSignal } from './deliver.ts';
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

export const createPause =
  (runc: Runc) =>
  ({ id }: { id: string }): Promise<void> =>
    whileItRuns(runc, id, pause(runc, id));

export const createResume =
  (runc: Runc) =>
  ({ id }: { id: string }): Promise<void> =>
    whileItRuns(runc, id, resume(runc, id));

/** KILL, then thaw: on cgroup v1 a frozen process sees no signal until it is thawed. */
export const createKillFrozen = (runc: Runc, shim: () => ShimClient) => {
  const signal = createSignal(shim);
  return async ({ id }: { id: string }): Promise<void> => {
    await signal({ id, process: INIT, signal: KILL });
    await explained(resume(runc, id));
  };
};

/** Removes what runc and the daemon hold of an ended container, or of one whose start has failed. */
export const createDelete =
  (runc: Runc, stateDir: StateDir) =>
  async ({ id }: { id: string }): Promise<void> => {
    try {
      await deleteContainer(runc, id);
    } catch (error) {
      const gone = error instanceof RuncError && error.notFound;
      if (!gone) await explained(deleteContainer(runc, id, true));
    } finally {
      await rm(stateDir.container(id), { recursive: true, force: true });
    }
  };
