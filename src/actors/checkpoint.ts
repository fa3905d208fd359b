import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readBundle } from '../bundle/bundle.ts';
import { endOfCriuLog } from '../checkpoints/criu-log.ts';
import { makeCheckpoint } from '../checkpoints/store.ts';
import { ContainerdError } from '../errors.ts';
import type { CheckpointInput } from '../machines/container-model.ts';
import { type Runc, RuncError, checkpoint as runcCheckpoint } from '../runc/runc.ts';
import type { StateDir } from './state-dir.ts';

export type CheckpointEffectOptions = {
  runc: Runc;
  stateDir: StateDir;
  /** The criu to use; empty for the one in PATH. */
  criu: string;
  timeoutMs: number;
};

/**
 * Has runc and CRIU write a checkpoint into the container's bundle. Refuses, before the container is touched, what
 * is known not to come back: a read-only root, in which CRIU would have to make a directory first.
 */
export function createCheckpoint({ runc, stateDir, criu, timeoutMs }: CheckpointEffectOptions) {
  return async ({ id, bundlePath, checkpoint }: CheckpointInput): Promise<void> => {
    const { readonlyRoot } = await readBundle(bundlePath);
    if (readonlyRoot) throw new ContainerdError('notRestorable', 'root.readonly is set in its config.json');
    const workPath = path.join(stateDir.container(id), 'criu');
    await mkdir(workPath, { recursive: true, mode: 0o700 });
    await makeCheckpoint(bundlePath, checkpoint, async (imagePath) => {
      const { exit, tcp, unixSockets, shell } = checkpoint;
      const flags = { imagePath, workPath, tcp, unixSockets, shell, criu };
      try {
        await runcCheckpoint(runc, { ...flags, id, leaveRunning: !exit }, timeoutMs);
      } catch (error) {
        throw await explain(error, path.join(workPath, 'dump.log'));
      }
    });
  };
}

async function explain(error: unknown, logFile: string): Promise<unknown> {
  if (!(error instanceof RuncError)) return error;
  if (error.timedOut) return new ContainerdError('runtimeTimeout', 'checkpoint', { cause: error });
  const log = await endOfCriuLog(logFile);
  return new ContainerdError('runtimeFailed', log === '' ? error.message : `${error.message}\n${log}`, {
    cause: error,
  });
}
