import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ContainerdError } from '../errors.ts';
import type { CheckpointOptions } from '../machines/messages.ts';

/**
 * The checkpoints of a bundle, `{bundle}/checkpoints/{name}`: CRIU's images and, in `config.json`, the flags they
 * were made with. One without flags was put there by somebody else, and is restored without any. What is still
 * being written has a name that no checkpoint can have, so a checkpoint is there whole or not at all.
 */

const NAME = /^[A-Za-z0-9_.+-]{1,255}$/;
/** More than CRIU's flags ever need. */
const MAX_FLAGS_BYTES = 64 * 1024;

const folderOf = (bundlePath: string): string => path.join(bundlePath, 'checkpoints');
const flagsFile = (images: string): string => path.join(images, 'config.json');

/** Where the images of a checkpoint are. */
export const imagesOf = (bundlePath: string, name: string): string => path.join(folderOf(bundlePath), name);

const isFolder = async (folder: string): Promise<boolean> =>
  (await stat(folder).catch(() => undefined))?.isDirectory() ?? false;

/** The flags of a checkpoint; throws `checkpointNotFound` where there is none. */
export async function readCheckpoint(bundlePath: string, name: string): Promise<CheckpointOptions> {
  const images = imagesOf(bundlePath, name);
  if (!(await isFolder(images))) throw new ContainerdError('checkpointNotFound');
  return { ...(await readFlags(images)), name };
}

async function readFlags(images: string): Promise<Omit<CheckpointOptions, 'name'>> {
  const none = { exit: false, tcp: false, unixSockets: false, shell: false };
  const info = await stat(flagsFile(images)).catch(() => undefined);
  if (info === undefined || !info.isFile() || info.size > MAX_FLAGS_BYTES) return none;
  try {
    const flags: unknown = JSON.parse(await readFile(flagsFile(images), 'utf8'));
    const has = (flag: string) =>
      typeof flags === 'object' && flags !== null && (flags as Record<string, unknown>)[flag] === true;
    return { exit: has('exit'), tcp: has('tcp'), unixSockets: has('unixSockets'), shell: has('shell') };
  } catch {
    // Not ours to judge: CRIU's images say themselves whether they can be restored.
    return none;
  }
}

/** All checkpoints of a bundle, by name. */
export async function listCheckpoints(bundlePath: string): Promise<CheckpointOptions[]> {
  const names = await readdir(folderOf(bundlePath)).catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => NAME.test(name))
      .sort()
      .map((name) => readCheckpoint(bundlePath, name).catch(() => undefined)),
  );
  return found.filter((checkpoint) => checkpoint !== undefined);
}

/** Removes a checkpoint; throws `checkpointNotFound` where there is none. */
export async function deleteCheckpoint(bundlePath: string, name: string): Promise<void> {
  const images = imagesOf(bundlePath, name);
  const doomed = partialOf(bundlePath, name);
  try {
    await rename(images, doomed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new ContainerdError('checkpointNotFound');
    throw error;
  }
  await rm(doomed, { recursive: true, force: true });
}

/**
 * Makes a checkpoint: `write` fills the folder that it is given, which becomes the checkpoint once it has been.
 * Throws `checkpointExists`, or what `write` threw; nothing is left then.
 */
export async function makeCheckpoint(
  bundlePath: string,
  { name, ...flags }: CheckpointOptions,
  write: (images: string) => Promise<void>,
): Promise<void> {
  const images = imagesOf(bundlePath, name);
  if (await isFolder(images)) throw new ContainerdError('checkpointExists');
  const partial = partialOf(bundlePath, name);
  await mkdir(partial, { recursive: true, mode: 0o700 });
  try {
    await write(partial);
    await writeFile(flagsFile(partial), JSON.stringify({ name, ...flags }));
    await rename(partial, images);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

let partials = 0;
const partialOf = (bundlePath: string, name: string): string =>
  path.join(folderOf(bundlePath), `${name.slice(0, 200)}~${process.pid}-${++partials}`);
