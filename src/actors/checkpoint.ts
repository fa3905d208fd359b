import { access, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readBundle } from '../bundle/bundle.ts';
import { dumpLog, withCriuLog } from '../checkpoints/criu-log.ts';
import { isComplete } from '../checkpoints/partial.ts';
import { makeCheckpoint } from '../checkpoints/store.ts';
import { crashPoint } from '../crash-point.ts';
import { ContainerdError, failureOf } from '../errors.ts';
import { holdProcess } from '../linux/process-end.ts';
import type { CheckpointInput } from '../machines/container-model.ts';
import { atMost } from '../patience.ts';
import { type Runc, RuncError, checkpoint as runcCheckpoint } from '../runc/runc.ts';
import { initHasEnded, isFrozen, readStateFile } from '../runc/state-file.ts';
import { thaw } from '../runc/thaw.ts';
import type { StateDir } from './state-dir.ts';

/** What CRIU writes of every checkpoint (criu/image-desc.c). */
const INVENTORY = 'inventory.img';

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

export type CheckpointEffectOptions = {
  runc: Runc;
  stateDir: StateDir;
  /** The criu to use; empty for the one in PATH. */
  criu: string;
  timeoutMs: number;
  deathTimeoutMs?: number;
};

/** How long what CRIU has killed may take to end. */
const DEATH_TIMEOUT_MS = 5_000;

/**
 * Has runc and CRIU write a checkpoint into the container's bundle. Refuses, before the container is touched, what
 * is not sure to come back: a read-only root, in which some versions of CRIU would make a directory first. Where it
 * fails, the container goes on as it was.
 */
export function createCheckpoint({
  runc,
  stateDir,
  criu,
  timeoutMs,
  deathTimeoutMs = DEATH_TIMEOUT_MS,
}: CheckpointEffectOptions) {
  return async ({ id, bundlePath, checkpoint }: CheckpointInput): Promise<void> => {
    const { readonlyRoot } = await readBundle(bundlePath);
    if (readonlyRoot) throw new ContainerdError('notRestorable', 'root.readonly is set in its config.json');
    const workPath = path.join(stateDir.container(id), 'criu');
    await mkdir(workPath, { recursive: true, mode: 0o700 });
    crashPoint('checkpoint.work-made');
    await makeCheckpoint({ bundlePath, checkpoint, workPath }, async (imagePath) => {
      const { exit, tcp, unixSockets, shell } = checkpoint;
      const flags = { imagePath, workPath, tcp, unixSockets, shell, criu };
      const wasFrozen = await frozen(runc, id);
      try {
        await runcCheckpoint(runc, { ...flags, id, leaveRunning: !exit }, timeoutMs);
      } catch (error) {
        if (isLost(error) && (await isComplete(imagePath))) return;
        if (!isLost(error) && !(error instanceof RuncError)) throw error;
        if (await initHasEnded(runc.root, id))
          throw new ContainerdError('containerExited', '', { cause: error });
        const trouble = wasFrozen ? '' : await thawed(runc, id);
        throw await explain(error, dumpLog(workPath), trouble);
      }
      // It is believed by what it has done: a container that is said to be ended by its checkpoint is listed no more.
      if (!(await isThere(path.join(imagePath, INVENTORY))))
        throw new ContainerdError(
          'runtimeFailed',
          'runc checkpoint ended with status 0 and has written none',
        );
      if (exit && !(await endsInTime(runc.root, id, deathTimeoutMs)))
        throw new ContainerdError(
          'runtimeFailed',
          'runc checkpoint ended with status 0 and the container runs on',
        );
    });
  };
}

/** CRIU does not wait for what it kills, which takes its time where its cgroup has no CPU time left. */
async function endsInTime(root: string, id: string, timeoutMs: number): Promise<boolean> {
  const state = await readStateFile(root, id);
  const held = state && holdProcess(state.initPid, BigInt(state.initStartTime));
  if (held !== undefined) {
    await atMost(
      timeoutMs,
      held.ended.then(() => {}),
    );
    held.release();
  }
  return initHasEnded(root, id);
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const frozen = async (runc: Runc, id: string): Promise<boolean> => {
  const state = await readStateFile(runc.root, id);
  return state !== undefined && isFrozen(state.cgroupPaths);
};

/**
 * CRIU freezes a container while it seizes its processes; one that was killed at it has not thawed it. Gives what
 * went wrong, empty if nothing.
 */
async function thawed(runc: Runc, id: string): Promise<string> {
  try {
    if (await frozen(runc, id)) await thaw(runc, id);
    return '';
  } catch (error) {
    return `\nthe container is left frozen: ${wordsOf(error)}`;
  }
}

/** A runc that has lost its shim may have done its work nevertheless: CRIU's log says whether it has. */
const isLost = (error: unknown): error is ContainerdError => failureOf(error).error === 'shimLost';

async function explain(
  error: RuncError | ContainerdError,
  logFile: string,
  trouble: string,
): Promise<ContainerdError> {
  const cause = { cause: error };
  if (isLost(error)) return new ContainerdError('shimLost', wordsOf(error.cause) + trouble, cause);
  if (error.timedOut) return new ContainerdError('runtimeTimeout', `checkpoint${trouble}`, cause);
  const words = await withCriuLog(error.message, logFile);
  return new ContainerdError('runtimeFailed', words + trouble, cause);
}
