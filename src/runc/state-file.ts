import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ProcessStat, readProcessStat } from '../linux/process-stat.ts';

/** What runc keeps of a container in `<root>/<id>/state.json` (libcontainer `State`, runc 1.1.5). */
export type RuncStateFile = {
  initPid: number;
  /** Clock tick at which the kernel started init, in decimal. */
  initStartTime: string;
  /** Folder of each cgroup v1 controller; of v2, one folder under the empty name. */
  cgroupPaths: Record<string, string>;
};

/**
 * Reads a container's state file; undefined where runc knows no such container, or its file says nothing of use. Throws
 * where it cannot be looked at: such a container may well run.
 */
export async function readStateFile(root: string, id: string): Promise<RuncStateFile | undefined> {
  const text = await readFile(path.join(root, id, 'state.json'), 'utf8').catch(unlessMissing);
  try {
    const state = JSON.parse(text ?? '');
    const { init_process_pid: initPid, init_process_start: initStart, cgroup_paths: cgroupPaths } = state;
    if (!isPositive(initPid) || !isPositive(initStart)) return undefined;
    return { initPid, initStartTime: String(initStart), cgroupPaths: cgroupPaths ?? {} };
  } catch {
    return undefined;
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
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

/** Whether a container's init is gone or dying; not where that cannot be looked at. */
export async function initHasEnded(root: string, id: string): Promise<boolean> {
  let state: RuncStateFile | undefined;
  let stat: ProcessStat | undefined;
  try {
    state = await readStateFile(root, id);
    stat = state && readProcessStat(state.initPid);
  } catch {
    return false;
  }
  if (state === undefined) return true;
  return stat === undefined || stat.ending || stat.startTime !== BigInt(state.initStartTime);
}

/** What the freezer says of a container's processes; v1 is `freezing` while it cannot stop one of them. */
export type Freezer = 'frozen' | 'freezing' | 'thawed';

const FREEZERS: Record<string, Freezer> = {
  FROZEN: 'frozen',
  FREEZING: 'freezing',
  THAWED: 'thawed',
  '1': 'frozen',
  '0': 'thawed',
};

/** The file of the freezer, and what thaws (cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst). */
const freezerFile = ({ freezer: v1, '': v2 = '' }: Record<string, string>): [file: string, thawed: string] =>
  v1 ? [path.join(v1, 'freezer.state'), 'THAWED'] : [path.join(v2, 'cgroup.freeze'), '0'];

/** What the freezer says now; undefined where there is none. */
export async function readFreezer(cgroupPaths: Record<string, string>): Promise<Freezer | undefined> {
  const text = await readFile(freezerFile(cgroupPaths)[0], 'utf8').catch(() => '');
  return FREEZERS[text.trim()];
}

/** Whether the freezer holds a container's processes. */
export const isFrozen = async (cgroupPaths: Record<string, string>): Promise<boolean> =>
  (await readFreezer(cgroupPaths)) === 'frozen';

/** Thaws a container's processes, as runc would. */
export async function writeThawed(cgroupPaths: Record<string, string>): Promise<void> {
  const [file, thawed] = freezerFile(cgroupPaths);
  await writeFile(file, thawed, { flag: 'r+' });
}
