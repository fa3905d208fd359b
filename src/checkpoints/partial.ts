import { mkdir, open, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { crashPoint } from '../crash-point.ts';
import { processStat } from '../linux/process-stat.ts';
import { dumpLog } from './criu-log.ts';

/**
 * Checkpoints that are being made or removed. They lie among the others, under names that no checkpoint can have:
 * `NAME~PID-TICK-N`, where the process that is at work on one is named by its pid and the clock tick at which it was
 * started; `-gone` at the end where it is being removed.
 */

const PARTIAL = /^.+~(\d+)-(\d+)-\d+(-gone)?$/;
/** CRIU's last line of a dump, of which all images have been written (criu/cr-dump.c). */
const COMPLETE = 'Dumping finished successfully';
/** Of the log, whose last line is short. */
const END_BYTES = 512;
/** A name of 255 bytes has no room left. */
const MAX_SHOWN = 180;

let count = 0;
const newName = (name: string): string =>
  `${name.slice(0, MAX_SHOWN)}~${process.pid}-${processStat(process.pid)?.startTime ?? 0}-${++count}`;

/** Where the flags of a checkpoint are, in its folder. */
export const flagsFile = (images: string): string => path.join(images, 'config.json');

/** A link to where CRIU works, while it does. */
const workOf = (images: string): string => path.join(images, 'work');

/** Makes a folder for the checkpoint of this name, beside it; CRIU is to log in `workPath`. */
export async function makePartial(folder: string, name: string, workPath: string): Promise<string> {
  const partial = path.join(folder, newName(name));
  await mkdir(partial, { recursive: true, mode: 0o700 });
  await rm(dumpLog(workPath), { force: true });
  await symlink(workPath, workOf(partial));
  return partial;
}

/** It is whole: from now on it is the checkpoint. Throws ENOTEMPTY where there is one already. */
export async function completePartial(partial: string, images: string): Promise<void> {
  await rename(partial, images);
  crashPoint('checkpoint.renamed');
  // Only afterwards: who finds a partial knows by CRIU's log whether it is whole.
  await rm(workOf(images), { force: true });
  crashPoint('checkpoint.complete');
}

/** Removes a checkpoint at once, for all that look, and then from the disk. Throws ENOENT where there is none. */
export async function removeWhole(images: string): Promise<void> {
  const doomed = path.join(path.dirname(images), `${newName(path.basename(images))}-gone`);
  await rename(images, doomed);
  crashPoint('checkpoint.doomed');
  await rm(doomed, { recursive: true, force: true });
  crashPoint('checkpoint.removed');
}

/**
 * Settles what has been left by processes that were killed at it: what CRIU has written to the end becomes the
 * checkpoint that it was to be, the rest is removed. The runc that wrote it must have ended.
 */
export async function settlePartials(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await Promise.all(
    names.map(async (name) => {
      const [isPartial, pid, startTime = '', isGone] = PARTIAL.exec(name) ?? [];
      if (!isPartial || processStat(Number(pid))?.startTime === BigInt(startTime)) return;
      const partial = path.join(folder, name);
      if (!isGone && (await isComplete(partial))) await keep(folder, partial);
      await rm(partial, { recursive: true, force: true });
    }),
  );
}

async function keep(folder: string, partial: string): Promise<void> {
  try {
    const { name } = JSON.parse(await readFile(flagsFile(partial), 'utf8'));
    await completePartial(partial, path.join(folder, path.basename(String(name))));
  } catch {
    // There is another of its name by now, or nobody knows what its name was.
  }
}

/** Whether CRIU has come to the end of a checkpoint that is being made. */
export async function isComplete(partial: string): Promise<boolean> {
  const handle = await open(dumpLog(workOf(partial)), 'r').catch(() => undefined);
  if (handle === undefined) return false;
  try {
    const { size } = await handle.stat();
    const end = Buffer.alloc(Math.min(size, END_BYTES));
    await handle.read(end, 0, end.length, size - end.length);
    return end.toString('latin1').trimEnd().endsWith(COMPLETE);
  } finally {
    await handle.close();
  }
}
