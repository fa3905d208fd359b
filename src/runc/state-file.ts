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

/** Where the init of a container waits that has been created, but not started (libcontainer `execFifoFilename`). */
export const execFifoOf = (root: string, id: string): string => `${root}/${id}/exec.fifo`;

/** Whether a container has been created, but not started. */
export const waitsToStart = (root: string, id: string): Promise<boolean> =>
  stat(execFifoOf(root, id)).then(
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

/** What the freezer says of a container's processes; `freezing` while it cannot stop one of them. */
export type Freezer = 'frozen' | 'freezing' | 'thawed';

const isV1 = (cgroupPaths: Record<string, string>): cgroupPaths is { freezer: string } =>
  cgroupPaths.freezer !== undefined;

const STATES_V1: Record<string, Freezer> = { FROZEN: 'frozen', FREEZING: 'freezing', THAWED: 'thawed' };

/** What the freezer says now; undefined where there is none. */
export async function readFreezer(cgroupPaths: Record<string, string>): Promise<Freezer | undefined> {
  const textOf = (folder: string, name: string) => readFile(path.join(folder, name), 'utf8').catch(() => '');
  // cgroup-v1/freezer-subsystem.rst
  if (isV1(cgroupPaths)) return STATES_V1[(await textOf(cgroupPaths.freezer, 'freezer.state')).trim()];
  const { '': folder } = cgroupPaths;
  if (folder === undefined) return undefined;
  // What it is to do is in the one file, and whether it has come to that in the other (cgroup-v2.rst).
  const asked = (await textOf(folder, 'cgroup.freeze')).trim();
  if (asked !== '1') return asked === '0' ? 'thawed' : undefined;
  return /^frozen 1$/m.test(await textOf(folder, 'cgroup.events')) ? 'frozen' : 'freezing';
}

/** Whether the freezer holds a container's processes, or those that it could stop: they go on only once it is thawed. */
export async function isFrozen(cgroupPaths: Record<string, string>): Promise<boolean> {
  const freezer = await readFreezer(cgroupPaths);
  return freezer === 'frozen' || freezer === 'freezing';
}

/** Thaws a container's processes, as runc would. */
export async function writeThawed(cgroupPaths: Record<string, string>): Promise<void> {
  const [file, thawed] = isV1(cgroupPaths)
    ? [path.join(cgroupPaths.freezer, 'freezer.state'), 'THAWED']
    : [path.join(cgroupPaths[''] ?? '', 'cgroup.freeze'), '0'];
  await writeFile(file, thawed, { flag: 'r+' });
}
