import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { holdProcess } from '../linux/process-end.ts';
import { processStat } from '../linux/process-stat.ts';
import { cgroupsNamed, cgroupsOf } from './cgroup-folders.ts';
import { readStateFile } from './state-file.ts';

/** What a runc that was killed or lies has left of a container, removed without it. */

/** A cgroup is busy until what was killed in it has been reaped. */
const ATTEMPTS = 50;
const RETRY_MS = 20;

/** Whether a process is the container's. */
type IsOurs = (pid: number) => boolean;

/**
 * Kills what still runs of a container that is to be gone, and removes its cgroups and runc's state of it. `shimPid` is
 * the shim whose runcs made it: a process that does not descend from there, but for the init that runc wrote down, is
 * somebody else's, and so is a cgroup that is not empty in the end. One that has the shim in it, or another container, is
 * left as it is. Throws where something is left that should not be.
 */
export async function sweepContainer(root: string, id: string, shimPid: number): Promise<void> {
  const state = await readStateFile(root, id);
  if (state !== undefined) endProcess(state.initPid, BigInt(state.initStartTime));
  const folders = state
    ? Object.values(state.cgroupPaths)
    : await unwritten(await cgroupsNamed(id, shimPid), shimPid);
  if (folders.length > 0) {
    const others = [...(await cgroupsOf(shimPid)), ...(await cgroupsOfOthers(root, id))];
    // What a killed runc has left without writing it down is its children, which the shim has adopted.
    const isOurs: IsOurs = state
      ? (pid) => descends(pid, shimPid)
      : (pid) => processStat(pid)?.parentPid === shimPid;
    for (const folder of new Set(folders))
      if (!others.some((other) => isWithin(other, folder))) await removeCgroup(folder, isOurs);
  }
  await rm(path.join(root, id), { recursive: true, force: true });
}

/**
 * Those of the folders that can be of a container that was not written down: they are empty, or all that is in them and
 * below descends from the shim.
 */
async function unwritten(folders: string[], shimPid: number): Promise<string[]> {
  const found = await Promise.all(
    folders.map(async (folder) => {
      const within = await contentsOf(folder);
      if (within === undefined) return [];
      const { pids, isLeaf } = within;
      const isOwn = pids.length === 0 ? isLeaf : pids.every((pid) => descends(pid, shimPid));
      return isOwn ? [folder] : [];
    }),
  );
  return found.flat();
}

/** The processes in a cgroup and below it, and whether there is any below; undefined where there is none. */
async function contentsOf(folder: string): Promise<{ pids: number[]; isLeaf: boolean } | undefined> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(unlessMissing);
  if (entries === undefined) return undefined;
  const folders = entries.filter((entry) => entry.isDirectory());
  const below = await Promise.all(folders.map(({ name }) => contentsOf(path.join(folder, name))));
  const pids = [...(await processesIn(folder)), ...below.flatMap((it) => it?.pids ?? [])];
  return { pids, isLeaf: folders.length === 0 };
}

/** The cgroups of all other containers that runc has written down. */
async function cgroupsOfOthers(root: string, id: string): Promise<string[]> {
  const found: string[] = [];
  // One after the other: there may be many.
  for (const other of (await readdir(root).catch(unlessMissing)) ?? [])
    if (other !== id) found.push(...Object.values((await readStateFile(root, other))?.cgroupPaths ?? {}));
  return found;
}

const isWithin = (inner: string, outer: string): boolean =>
  !`${path.relative(outer, inner)}/`.startsWith('../');

function endProcess(pid: number, startTime: bigint): void {
  const held = holdProcess(pid, startTime);
  try {
    held?.kill();
  } finally {
    held?.release();
  }
}

async function removeCgroup(folder: string, isOurs: IsOurs): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const below = await readdir(folder, { withFileTypes: true }).catch(unlessMissing);
    if (below === undefined) return;
    for (const entry of below)
      if (entry.isDirectory()) await removeCgroup(path.join(folder, entry.name), isOurs);
    await endProcesses(folder, isOurs);
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function endProcesses(folder: string, isOurs: IsOurs): Promise<void> {
  for (const pid of await processesIn(folder)) {
    const stat = processStat(pid);
    if (stat !== undefined && isOurs(pid)) endProcess(pid, stat.startTime);
  }
}

async function processesIn(folder: string): Promise<number[]> {
  const text = (await readFile(path.join(folder, 'cgroup.procs'), 'utf8').catch(unlessMissing)) ?? '';
  return text.split('\n').filter(Boolean).map(Number);
}

/** Whether a process is a child of another, or of one of its descendants. */
function descends(pid: number, ancestor: number): boolean {
  for (
    let parent = processStat(pid)?.parentPid ?? 0;
    parent > 1;
    parent = processStat(parent)?.parentPid ?? 0
  ) {
    if (parent === ancestor) return true;
  }
  return false;
}
