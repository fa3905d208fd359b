import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { isFrozen, readStateFile } from '../../src/runc/state-file.ts';
import { processState, type TestDaemon } from '../e2e/fixtures/daemon.ts';
import { descriptors } from '../e2e/fixtures/host.ts';

/** A container by its status and the pids of its processes, as `chaos-1 running 12 13`. */
const lineOf = (id: string, status: string, pids: readonly number[]): string =>
  [id, status, ...[...pids].sort((a, b) => a - b)].join(' ');

/** What the daemon says that there is. */
export async function said(daemon: TestDaemon): Promise<string[]> {
  const containers = await daemon.containers();
  return containers
    .map(({ id, status, processes }) =>
      lineOf(
        id,
        status,
        processes.map(({ pid }) => pid),
      ),
    )
    .sort();
}

/** What there is by runc's own state and the kernel's cgroups: of each container, what was started in it from outside. */
export async function there({ stateDir }: TestDaemon): Promise<string[]> {
  const root = path.join(stateDir, 'runc');
  const lines = await Promise.all(
    (await readdir(root)).map(async (id) => {
      const state = await readStateFile(root, id);
      const cgroup = Object.values(state?.cgroupPaths ?? {}).find((it) => it !== '');
      if (state === undefined || cgroup === undefined) return `${id} unknown`;
      return lineOf(id, (await isFrozen(state.cgroupPaths)) ? 'paused' : 'running', await startedIn(cgroup));
    }),
  );
  return lines.sort();
}

/** The processes in a cgroup whose parents are not in it. */
async function startedIn(cgroup: string): Promise<number[]> {
  const text = await readFile(path.join(cgroup, 'cgroup.procs'), 'utf8').catch(() => '');
  const pids = text.split('\n').filter(Boolean).map(Number);
  const states = await Promise.all(pids.map(processState));
  return pids.filter((_, n) => {
    const state = states[n];
    return state !== undefined && state.letter !== 'Z' && !pids.includes(state.parent);
  });
}

/** Whether a process is this container's, by the kernel's word. */
export async function isIn(id: string, pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')).includes(`/${id}\n`);
}

/** The pid of the shim of a state dir: who has its lock. Undefined where there is none. */
export async function shimOf({ stateDir }: TestDaemon): Promise<number | undefined> {
  const lock = path.join(stateDir, 'shim.lock');
  for (const name of (await readdir('/proc')).filter((it) => /^\d+$/.test(it))) {
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (!command.includes('containerd-shim')) continue;
    if ((await descriptors(Number(name)).catch((): string[] => [])).includes(lock)) return Number(name);
  }
  return undefined;
}
