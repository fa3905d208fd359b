import { readdir, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { crashPoint } from '../crash-point.ts';
import { ContainerdError, isShortage } from '../errors.ts';
import { createGate } from '../gate.ts';
import { LinkRefusedError, pinned } from '../linux/pin.ts';
import type { CheckpointOptions } from '../machines/messages.ts';
import { type Flags, flagsFile, readFlagsFile } from './flags.ts';
import { isCheckpointName } from './name.ts';
import { completePartial, makePartial, removeWhole, type Settled, settlePartials } from './partial.ts';

/**
 * The checkpoints of a bundle, `{bundle}/checkpoints/{name}`: CRIU's images and, in `config.json`, the flags they
 * were made with. One without flags was put there by somebody else. What is still being written has a name that no
 * checkpoint can have, so a checkpoint is there whole or not at all.
 */

/** How many checkpoints are looked at at the same time. */
const SOME = 4;

/** That the host has nothing to look with does not say that there is nothing. */
function unlessShortage(error: unknown): undefined {
  if (isShortage(error)) throw error;
}

const folderOf = (bundlePath: string): string => path.join(bundlePath, 'checkpoints');

/** Where the images of a checkpoint are. */
export const imagesOf = (bundlePath: string, name: string): string => path.join(folderOf(bundlePath), name);

/** Throws `checkpointFolder` where the way leads over a link that others can have put there. */
async function isFolder(folder: string): Promise<boolean> {
  try {
    return await pinned(folder, { followLast: true }, async (_, stats) => stats.isDirectory());
  } catch (error) {
    if (error instanceof LinkRefusedError) throw new ContainerdError('checkpointFolder', error.message);
    unlessShortage(error);
    return false;
  }
}

/** The flags of a checkpoint, none where nobody knows; throws `checkpointNotFound` where there is none. */
export async function readCheckpoint(bundlePath: string, name: string): Promise<CheckpointOptions> {
  const unknown = { exit: false, tcp: false, unixSockets: false, shell: false };
  return { ...((await readFlags(bundlePath, name)) ?? unknown), name };
}

/**
 * The flags to restore a checkpoint with: its own. Where nobody knows them it may have whatever connections it has,
 * as CRIU takes these flags for a permission. Throws `checkpointNotFound` where there is none.
 */
export async function readRestoreFlags(
  bundlePath: string,
  name: string,
): Promise<Pick<Flags, 'tcp' | 'unixSockets' | 'shell'>> {
  return (await readFlags(bundlePath, name)) ?? { tcp: true, unixSockets: true, shell: false };
}

async function readFlags(bundlePath: string, name: string): Promise<Flags | undefined> {
  const images = imagesOf(bundlePath, name);
  if (!(await isFolder(images))) throw new ContainerdError('checkpointNotFound');
  return readFlagsFile(images);
}

/** All checkpoints of a bundle, by name. Throws `checkpointFolder` where they cannot be looked at. */
export async function listCheckpoints(bundlePath: string): Promise<CheckpointOptions[]> {
  const names = await inFolder(
    pinned(folderOf(bundlePath), { followLast: true }, (pin) => readdir(pin)).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      },
    ),
  );
  // Anybody who has the bundle may have put any number there.
  const some = createGate(SOME);
  const found = await Promise.all(
    names
      .filter(isCheckpointName)
      .sort()
      .map((name) => some(() => readCheckpoint(bundlePath, name).catch(unlessShortage))),
  );
  return found.filter((checkpoint) => checkpoint !== undefined);
}

/** Removes a checkpoint; throws `checkpointNotFound` where there is none, `checkpointFolder` where it cannot. */
export async function deleteCheckpoint(bundlePath: string, name: string): Promise<void> {
  const images = imagesOf(bundlePath, name);
  if (!(await isFolder(images))) throw new ContainerdError('checkpointNotFound');
  await inFolder(removeWhole(images));
}

/** Checkpoints that are being made by this process, by the path that they will have. */
const making = new Set<string>();

/** A checkpoint to be made, and where CRIU logs: not on its disk, which may be full. */
export type NewCheckpoint = { bundlePath: string; checkpoint: CheckpointOptions; workPath: string };

type Write = (imagePath: string) => Promise<void>;

/**
 * Makes a checkpoint: `write` fills the folder that it is given, which becomes the checkpoint once it has been.
 * Throws `checkpointExists` where there is one of this name or being made, `checkpointFolder` where the disk does not
 * take it, or what `write` threw; nothing is left then.
 */
export async function makeCheckpoint(wanted: NewCheckpoint, write: Write): Promise<void> {
  // Two containers may share a bundle, by whatever path each has it.
  const images = imagesOf(await inFolder(realpath(wanted.bundlePath)), wanted.checkpoint.name);
  await isFolder(path.dirname(images));
  const exists = await isFolder(images);
  if (exists || making.has(images)) throw new ContainerdError('checkpointExists');
  making.add(images);
  try {
    await fill(images, wanted, write);
  } finally {
    making.delete(images);
  }
}

async function fill(images: string, { checkpoint, workPath }: NewCheckpoint, write: Write): Promise<void> {
  const folder = path.dirname(images);
  await inFolder(settlePartials(folder));
  const partial = await inFolder(makePartial(folder, checkpoint.name, workPath));
  crashPoint('checkpoint.partial-made');
  try {
    // Before the container is stopped: afterwards nothing is left to be done that a full disk could keep from it.
    await inFolder(writeFile(flagsFile(partial), JSON.stringify(checkpoint)));
    crashPoint('checkpoint.flags-written');
    await write(partial);
    await inFolder(completePartial(partial, images));
  } catch (error) {
    crashPoint('checkpoint.failed');
    // What cannot be removed now is settled later, as if we had been killed.
    await removeWhole(partial).catch(() => {});
    throw error;
  }
}

/** Settles what a daemon that was killed has left of the checkpoints of a bundle, once what it had started is over. */
export const settleCheckpoints = (bundlePath: string): Promise<Settled[]> =>
  settlePartials(folderOf(bundlePath));

/** What the disk or the bundle does not allow, in the kernel's words. */
async function inFolder<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    unlessShortage(error);
    throw new ContainerdError('checkpointFolder', error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
}
