import { access, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ContainerdError, hostTrouble } from '../errors.ts';
import { ShimError } from '../shim/error.ts';
import { readRecord } from './record.ts';

/**
 * Does what makes the folder of a container, be it here or in the shim. One that is there is of a container that the daemon
 * could not take up, and left alone (`containerExists`); one of which runc, whose root is given, knows nothing is what a
 * disk did not let us remove, and in the way of nobody.
 */
export async function inNewFolder<T>(folder: string, runcRoot: string, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (!isThere(error)) throw error;
    // runc calls a container by the name that its folder has.
    if (!(await isLeft(folder, path.join(runcRoot, path.basename(folder)))))
      throw new ContainerdError('containerExists', '', { cause: error });
    await rm(folder, { recursive: true });
    return make();
  }
}

const isThere = (error: unknown): boolean =>
  error instanceof ShimError
    ? error.reason === 'record' && error.errno === os.constants.errno.EEXIST
    : (error as NodeJS.ErrnoException).code === 'EEXIST';

/** Whether what is written down of a container is understood, and of none that there is. */
async function isLeft(folder: string, runcFolder: string): Promise<boolean> {
  try {
    await readRecord(folder);
    await access(runcFolder);
    return false;
  } catch (error) {
    const { code, path: missing } = error as NodeJS.ErrnoException;
    // Nobody can tell, as the host has no descriptor to look with.
    if (hostTrouble(code, error as Error) !== undefined) throw error;
    return missing === runcFolder && code === 'ENOENT';
  }
}
