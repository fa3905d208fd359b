import { readdir, rm, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';

/**
 * Removing what one knows to be there, by one call of the kernel each: rm(3) of Node takes three, and every one of
 * them is a way to another thread and back.
 */

async function removeFile(file: string): Promise<void> {
  try {
    await unlink(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A runtime may have put anything in the place of a file of its own.
    if (code === 'EISDIR' || code === 'EPERM') await rm(file, { recursive: true, force: true });
    else if (code !== 'ENOENT') throw error;
  }
}

/** Removes files, of which some may be gone already. Rejects with the kernel's error for what cannot be removed. */
export async function removeFiles(...files: string[]): Promise<void> {
  await Promise.all(files.map(removeFile));
}

/** Removes a folder that mostly holds nothing but files; whatever else it holds goes too. One that is gone is no error. */
export async function removeFolder(folder: string): Promise<void> {
  try {
    await removeFiles(...(await readdir(folder)).map((name) => path.join(folder, name)));
    await rmdir(folder);
  } catch {
    await rm(folder, { recursive: true, force: true });
  }
}
