import { mkdirSync, writeFileSync } from 'node:fs';
import { crashPoint } from '../crash-point.ts';
import type { StartRecord } from '../generated/shim.ts';
import type { ShimProcess } from './client.ts';
import { ShimError } from './error.ts';

/**
 * Writes down what is about to be started, at once: it is a small file of the state dir, where the runtime is about to write
 * as well. Throws a `ShimError` (`record`) with the kernel's reason.
 */
export function writeDown({ folder, file, text }: StartRecord): void {
  try {
    if (folder !== '') {
      mkdirSync(folder, { mode: 0o700 });
      crashPoint('shim.folder-made');
    }
    writeFileSync(file, text, { mode: 0o600 });
  } catch (error) {
    const { message, errno = 0 } = error as NodeJS.ErrnoException;
    throw new ShimError('record', message, { errno: -errno });
  }
  crashPoint('shim.recorded');
}

/** Writes down who a process is that runs, for a daemon that has lost the shim as well. Gives why it could not, or nothing. */
export function noteStarted(file: string, { pid, startTime }: ShimProcess): string {
  try {
    writeFileSync(file, JSON.stringify({ pid, startTime: String(startTime) }), { mode: 0o600 });
    crashPoint('shim.exec-noted');
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
