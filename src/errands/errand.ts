import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { recordIn } from '../actors/record.ts';
import { crashPoint } from '../crash-point.ts';
import { removeEnded } from '../runc/remove-ended.ts';

/** What is to be done on the disk; plain data, as it goes to another thread. */
export type Errand =
  /** Makes a container's folder, which must not be there, and writes down what it is. */
  | { what: 'make'; folder: string; file: string; text: string }
  /** Writes a file, and removes others. */
  | { what: 'write'; file: string; text: string; remove: readonly string[] }
  /** Removes files, of which some may be gone already. */
  | { what: 'remove'; files: readonly string[] }
  /** Removes a folder that mostly holds nothing but files; one that is gone is no error. */
  | { what: 'remove-folder'; folder: string }
  /**
   * Removes what runc, whose root is given, holds of an ended container, where no runc is needed for that; gives whether it
   * did. Throws where the container's record, a file, is not understood. Without a root, it does no more than to look at that.
   */
  | { what: 'remove-ended'; file: string; root: string | undefined; id: string };

/** Does an errand at once, waiting for the disk: not in a thread that has anything else to do. Throws the kernel's errors. */
export function doErrand(errand: Errand): boolean {
  switch (errand.what) {
    case 'make':
      mkdirSync(errand.folder, { mode: 0o700 });
      crashPoint('launch.folder-made');
      write(errand.file, errand.text);
      return true;
    case 'write':
      write(errand.file, errand.text);
      errand.remove.forEach(removeFile);
      return true;
    case 'remove':
      errand.files.forEach(removeFile);
      return true;
    case 'remove-folder':
      removeFolder(errand.folder);
      return true;
    case 'remove-ended':
      recordIn(readIfThere(errand.file));
      return errand.root !== undefined && removeEnded(errand.root, errand.id);
  }
}

const write = (file: string, text: string): void => writeFileSync(file, text, { mode: 0o600 });

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function removeFile(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A runtime may have put anything in the place of a file of its own.
    if (code === 'EISDIR' || code === 'EPERM') rmSync(file, { recursive: true, force: true });
    else if (code !== 'ENOENT') throw error;
  }
}

/** By one call of the kernel for each file, where rm(3) of Node takes three. */
function removeFolder(folder: string): void {
  try {
    for (const name of readdirSync(folder)) removeFile(path.join(folder, name));
    rmdirSync(folder);
  } catch {
    rmSync(folder, { recursive: true, force: true });
  }
}
