import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { processStat } from '../linux/process-stat.ts';

/** What runc keeps of a container in `<root>/<id>/state.json` (libcontainer `State`, runc 1.1.5). */
export type RuncStateFile = {
  initPid: number;
  /** Clock tick at which the kernel started init, in decimal. */
  initStartTime: string;
  /** Folder of each cgroup v1 controller; of v2, one folder under the empty name. */
  cgroupPaths: Record<string, string>;
};

/** Reads a container's state file; undefined where runc knows no such container, or its file says nothing of use. */
export async function readStateFile(root: string, id: string): Promise<RuncStateFile | undefined> {
  try {
    const state = JSON.parse(await readFile(path.join(root, id, 'state.json'), 'utf8'));
    const { init_process_pid: initPid, init_process_start: initStart, cgroup_paths: cgroupPaths } = state;
    if (!isPositive(initPid) || !isPositive(initStart)) return undefined;
    return { initPid, initStartTime: String(initStart), cgroupPaths: cgroupPaths ?? {} };
  } catch {
    return undefined;
  }
}

const isPositive = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT',
  );

/** Whether runc has anything of a container, be it half written. */
export const hasState = (root: string, id: string): Promise<boolean> => isThere(path.join(root, id));

/** Whether a container has been created, but not started: its init waits at this FIFO (libcontainer `execFifoFilename`). */
export const waitsToStart = (root: string, id: string): Promise<boolean> =>
  stat(path.join(root, id, 'exec.fifo')).then(
    () => true,
    () => false,
  );

/** Whether a container's init is gone or dying. */
export async function initHasEnded(root: string, id: string): Promise<boolean> {
  const state = await readStateFile(root, id);
  if (state === undefined) return true;
  const stat = processStat(state.initPid);
  return stat === undefined || stat.ending || stat.startTime !== BigInt(state.initStartTime);
}

/** Whether the freezer holds a container's processes (cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst). */
export async function isFrozen(cgroupPaths: Record<string, string>): Promise<boolean> {
  const v1 = cgroupPaths.freezer;
  const [folder, file, frozen] = v1
    ? [v1, 'freezer.state', 'FROZEN']
    : [cgroupPaths[''] ?? '', 'cgroup.freeze', '1'];
  const text = await readFile(path.join(folder, file), 'utf8').catch(() => '');
  return text.trim() === frozen;
}
