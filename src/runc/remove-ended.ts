import { readFileSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { crashPoint } from '../crash-point.ts';
import { readProcessStat } from '../linux/process-stat.ts';

/**
 * Removes what runc holds of an ended container without a runc, which takes milliseconds to come to it: its cgroups, then
 * runc's own folder, as `runc delete` does (libcontainer `destroy`, runc 1.1.5). Gives whether that was all there was to do:
 * where there are hooks to run, processes to kill, or anything that this does not know, the rest is left to runc. Waits for
 * the kernel.
 */
export function removeEnded(root: string, id: string): boolean {
  const folder = path.join(root, id);
  try {
    const state: RuncState = JSON.parse(readFileSync(path.join(folder, 'state.json'), 'utf8'));
    if (!isPlain(state) || lives(state)) return false;
    for (const cgroup of new Set(Object.values(state.cgroup_paths))) removeCgroup(cgroup);
    crashPoint('delete.cgroups-removed');
    rmSync(folder, { recursive: true });
    return true;
  } catch {
    return false;
  }
}

/** Of state.json, what there is to know. */
type RuncState = {
  init_process_pid: number;
  init_process_start: number;
  rootless: boolean;
  intel_rdt_path: string;
  cgroup_paths: Record<string, string>;
  config: {
    namespaces: { type: string; path: string }[];
    Hooks?: Record<string, unknown[] | null> | null;
    cgroups: { Systemd: boolean };
  };
};

/**
 * Whether it has nothing but cgroups and a folder. With the init of a pid namespace of its own, all its processes have ended
 * (pid_namespaces(7)).
 */
function isPlain({ rootless, intel_rdt_path: rdt, config }: RuncState): boolean {
  const { namespaces, Hooks: hooks, cgroups } = config;
  const ownPids = namespaces.some(({ type, path }) => type === 'NEWPID' && path === '');
  const hasHooks = (hooks?.poststop ?? []).length > 0;
  return ownPids && !hasHooks && cgroups.Systemd === false && rootless === false && rdt === '';
}

function lives({ init_process_pid: pid, init_process_start: start }: RuncState): boolean {
  const stat = readProcessStat(pid);
  return stat !== undefined && stat.startTime === BigInt(start) && !stat.ending;
}

function removeCgroup(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
