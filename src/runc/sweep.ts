import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { holdProcess } from '../linux/process-end.ts';
import { processStat } from '../linux/process-stat.ts';
import { readStateFile } from './state-file.ts';

/** What a runc that was killed or lies has left of a container, removed without it. */

/** A cgroup is busy until what was killed in it has been reaped. */
const ATTEMPTS = 50;
const RETRY_MS = 20;

/** All cgroups are v2 where that is mounted here, for runc as well. */
const CGROUP_ROOT = '/sys/fs/cgroup';

/**
 * Kills what still runs of a container that is to be gone, and removes its cgroups and runc's state of it. `shimPid` is
 * the shim whose runcs made it: a process that does not descend from there, but for the init that runc wrote down, is
 * somebody else's, and so is a cgroup that is not empty in the end. Throws where something is left.
 */
export async function sweepContainer(root: string, id: string, shimPid: number): Promise<void> {
  const state = await readStateFile(root, id);
  if (state !== undefined) endProcess(state.initPid, BigInt(state.initStartTime));
  const folders = state ? Object.values(state.cgroupPaths) : await cgroupsNamed(id, shimPid);
  for (const folder of new Set(folders)) await removeCgroup(folder, shimPid);
  await rm(path.join(root, id), { recursive: true, force: true });
}

function endProcess(pid: number, startTime: bigint): void {
  const held = holdProcess(pid, startTime);
  try {
    held?.kill();
  } finally {
    held?.release();
  }
}

async function removeCgroup(folder: string, shimPid: number): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const below = await readdir(folder, { withFileTypes: true }).catch(unlessMissing);
    if (below === undefined) return;
    for (const entry of below)
      if (entry.isDirectory()) await removeCgroup(path.join(folder, entry.name), shimPid);
    await endProcesses(folder, shimPid);
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

async function endProcesses(folder: string, shimPid: number): Promise<void> {
  const text = (await readFile(path.join(folder, 'cgroup.procs'), 'utf8').catch(unlessMissing)) ?? '';
  for (const pid of text.split('\n').filter(Boolean).map(Number)) {
    const stat = processStat(pid);
    if (stat !== undefined && descends(pid, shimPid)) endProcess(pid, stat.startTime);
  }
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

async function cgroupsNamed(id: string, runcsParent: number): Promise<string[]> {
  const [own, mountinfo] = await Promise.all(
    ['cgroup', 'mountinfo'].map((name) => readFile(`/proc/${runcsParent}/${name}`, 'utf8')),
  );
  return cgroupFolders(id, own ?? '', mountinfo ?? '');
}

/**
 * Where runc puts a container whose bundle names no cgroup, by /proc/<pid>/cgroup and mountinfo of its parent: below its
 * own cgroups, under the container's id, in a v2 that is beside v1 ("hybrid") as well. Where all is v2, a cgroup that has
 * processes of its own could not have it below; there it is beside runc's own (libcontainer fs2/defaultpath.go).
 */
export function cgroupFolders(id: string, cgroup: string, mountinfo: string): string[] {
  const mounts = cgroupMounts(mountinfo);
  const unified = mounts.find(({ point, controllers }) => point === CGROUP_ROOT && controllers.has(''));
  return cgroup.split('\n').flatMap((line) => {
    const [, controllers, folder] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || folder === undefined) return [];
    if (unified !== undefined) {
      return controllers === '' ? [below(unified, path.dirname(folder), id)] : [];
    }
    return mounts
      .filter((mount) => controllers.split(',').some((it) => mount.controllers.has(it)))
      .map((mount) => below(mount, folder, id));
  });
}

type CgroupMount = { root: string; point: string; controllers: Set<string> };

const below = ({ root, point }: CgroupMount, folder: string, name: string): string =>
  path.join(point, path.relative(root, folder), name);

/** The cgroup file systems of /proc/<pid>/mountinfo (proc(5)); v2 has the one controller with the empty name. */
function cgroupMounts(mountinfo: string): CgroupMount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '', point = ''] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    return [{ root, point, controllers: new Set(type === 'cgroup2' ? [''] : options.split(',')) }];
  });
}
