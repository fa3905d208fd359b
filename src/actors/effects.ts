import { deleteCheckpoint } from '../checkpoints/store.ts';
import type { Runc } from '../runc/runc.ts';
import { createCheckpoint } from './checkpoint.ts';
import { createSignal, createUpdate } from './deliver.ts';
import { createLaunch, type LaunchOptions } from './launch.ts';
import { createDelete, createKillFrozen, createPause, createResume } from './runtime.ts';
import type { Effects } from './system.ts';

export type EffectsOptions = Omit<LaunchOptions, 'runc' | 'timeoutMs' | 'restoreTimeoutMs'> & {
  runc: Runc;
  /** What becomes of the containers of a former daemon. */
  restore: Effects['restore'];
  /** How long CRIU may take, to write a checkpoint or to restore one. */
  checkpointTimeoutMs: number;
};

/** All that the charts have done for them, done on this host. */
export function createEffects({ restore, checkpointTimeoutMs, ...options }: EffectsOptions): Effects {
  const { runc, stateDir, shim, errands, criu, told } = options;
  return {
    restore,
    launch: createLaunch({ ...options, timeoutMs: runc.timeoutMs, restoreTimeoutMs: checkpointTimeoutMs }),
    signal: createSignal(shim),
    update: createUpdate(shim),
    pause: createPause(runc),
    resume: createResume(runc),
    killFrozen: createKillFrozen(runc, shim),
    checkpoint: createCheckpoint({ runc, stateDir, criu, timeoutMs: checkpointTimeoutMs }),
    deleteCheckpoint: ({ bundlePath, name }) => deleteCheckpoint(bundlePath, name),
    delete: createDelete({ runc, stateDir, shim, errands, told }),
  };
}
