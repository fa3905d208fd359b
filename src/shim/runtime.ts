import type { Start } from '../generated/shim.ts';
import { SystemError } from '../linux/error.ts';
import { kill } from '../linux/signal.ts';
import { posixSpawn } from '../linux/spawn.ts';
import { ShimError } from './error.ts';
import type { Inheritance } from './inheritance.ts';
import type { Reaper } from './reaper.ts';
import type { ProcessStdio } from './stdio/stdio.ts';

const KILL = 9;

export type RuntimeOptions = { reaper: Reaper; inheritance: Inheritance };

/**
 * Runs the program of a `Start`, a runc that detaches, to its end, which is not that of the process it leaves behind.
 * Rejects with a `ShimError`: `spawn` if it cannot be run, `runtime` if it fails, `timeout` if it takes too long and is
 * killed with all of its process group.
 */
export function runRuntime(
  { argv, env, cwd, timeoutMs }: Start,
  stdio: ProcessStdio,
  { reaper, inheritance }: RuntimeOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const pid = inheritance(() => spawn({ argv, env, cwd, stdio: stdio.childEnds }));
    stdio.handedOver();
    let timedOut = false;
    const timer =
      timeoutMs === 0
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            kill(-pid, KILL);
          }, timeoutMs);
    reaper.expect(pid, ({ status: exitStatus }) => {
      clearTimeout(timer);
      if (exitStatus === 0) {
        resolve();
        return;
      }
      const details = { exitStatus, output: stdio.runtimeOutput() };
      reject(
        timedOut
          ? new ShimError('timeout', `${argv[0]} was killed after ${timeoutMs} ms`, details)
          : new ShimError('runtime', `${argv[0]} ended with status ${exitStatus}`, details),
      );
    });
  });
}

type SpawnOptions = Pick<Start, 'argv' | 'env' | 'cwd'> & { stdio: readonly [number, number, number] };

function spawn({ argv, ...options }: SpawnOptions): number {
  try {
    return posixSpawn({ file: argv[0] ?? '', argv, ...options });
  } catch (error) {
    throw error instanceof SystemError
      ? new ShimError('spawn', error.message, { errno: error.errno })
      : error;
  }
}
