import { constants } from 'node:fs';
import { mkdir, open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { crashPoint } from '../crash-point.ts';
import { processStat } from '../linux/process-stat.ts';
import type { CheckpointOptions } from '../machines/messages.ts';
import { dumpLog } from './criu-log.ts';
import { readFlagsFile } from './flags.ts';
import { isCheckpointName } from './name.ts';

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

/** A checkpoint that was being made when its maker was killed: what it was, where CRIU worked, and whether it is there now. */
export type Settled = { checkpoint: CheckpointOptions; workPath: string; kept: boolean };

/**
 * Settles what has been left by processes that were killed at it: what CRIU has written to the end becomes the
 * checkpoint that it was to be, the rest is removed. The runc that wrote it must have ended. Gives those that were being
 * made, where it is known what they were to be.
 */
export async function settlePartials(folder: string): Promise<Settled[]> {
  const names = await readdir(folder).catch(() => []);
  const settled = await Promise.all(
    names.map(async (name) => {
      const [isPartial, pid, startTime = '', isGone] = PARTIAL.exec(name) ?? [];
      if (!isPartial || processStat(Number(pid))?.startTime === BigInt(startTime)) return undefined;
      const partial = path.join(folder, name);
      const outcome = isGone ? undefined : await settle(folder, partial);
      await rm(partial, { recursive: true, force: true });
      return outcome;
    }),
  );
  return settled.filter((it) => it !== undefined);
}

async function settle(folder: string, partial: string): Promise<Settled | undefined> {
  const checkpoint = await readFlagsFile(partial);
  if (checkpoint === undefined || !isCheckpointName(checkpoint.name)) return undefined;
  const workPath = await readlink(workOf(partial)).catch(() => '');
  const kept =
    (await isComplete(partial)) &&
    (await completePartial(partial, path.join(folder, checkpoint.name)).then(
      () => true,
      // There is another of its name by now.
      () => false,
    ));
  return { checkpoint, workPath, kept };
}

/** Whether CRIU has come to the end of a checkpoint that is being made. */
export async function isComplete(partial: string): Promise<boolean> {
  const { O_RDONLY, O_NONBLOCK } = constants;
  const handle = await open(dumpLog(workOf(partial)), O_RDONLY | O_NONBLOCK).catch(() => undefined);
  if (handle === undefined) return false;
  try {
    // Of a FIFO or a device, whoever has put it there, the size is 0.
    const { size } = await handle.stat();
    const end = Buffer.alloc(Math.min(size, END_BYTES));
    await handle.read(end, 0, end.length, size - end.length);
    return end.toString('latin1').trimEnd().endsWith(COMPLETE);
  } finally {
    await handle.close();
  }
}
