import { readdir, rm, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';

/**
 * Removing what one knows to be there, by one call of the kernel each: rm(3) of Node takes three, and every one of
 * them is a way to another thread and back.
 */

function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** Removes files, of which some may be gone already. Rejects with the kernel's error for what cannot be removed. */
export async function removeFiles(...files: string[]): Promise<void> {
  await Promise.all(files.map((file) => unlink(file).catch(unlessGone)));
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
