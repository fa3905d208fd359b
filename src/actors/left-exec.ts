import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type HeldProcess, holdProcess } from '../linux/process-end.ts';
import { processStat } from '../linux/process-stat.ts';
import { readStateFile } from '../runc/state-file.ts';
import { pidFileOf } from './record.ts';

/** An exec that runs though nobody came to note it, held by a pidfd. */
export type LeftExec = { pid: number; startTime: bigint; held: HeldProcess };

/**
 * The exec that a runc has left behind which lost its shim, by its pid file; undefined where it has left none, or where the
 * pid is of no process in the container by now, so that it may be another's.
 */
export async function holdLeftExec(
  { runc, folder }: { runc: string; folder: string },
  id: string,
  process: string,
): Promise<LeftExec | undefined> {
  const pid = Number(await readFile(pidFileOf(folder, process), 'utf8').catch(() => ''));
  const startTime = pid > 0 ? processStat(pid)?.startTime : undefined;
  const held = startTime === undefined ? undefined : holdProcess(pid, startTime);
  if (startTime === undefined || held === undefined) return undefined;
  let isIn = false;
  try {
    const [cgroup] = Object.values((await readStateFile(runc, id))?.cgroupPaths ?? {});
    isIn = cgroup !== undefined && (await isBelow(cgroup, pid));
  } finally {
    if (!isIn) held.release();
  }
  return isIn ? { pid, startTime, held } : undefined;
}

/**
 * Whether a process, by host pid, is in a cgroup or in one below it: where a container's init has made some of its own, runc has
 * an exec join init's.
 */
async function isBelow(cgroup: string, pid: number): Promise<boolean> {
  const text = await readFile(path.join(cgroup, 'cgroup.procs'), 'utf8').catch(() => '');
  if (text.split('\n').includes(String(pid))) return true;
  for (const entry of await readdir(cgroup, { withFileTypes: true }).catch(() => []))
    if (entry.isDirectory() && (await isBelow(path.join(cgroup, entry.name), pid))) return true;
  return false;
}
