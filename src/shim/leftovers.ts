import { readFileSync, readlinkSync } from 'node:fs';
import { processStat } from '../linux/process-stat.ts';
import { kill } from '../linux/signal.ts';
import type { Reaper } from './reaper.ts';

const KILL = 9;

/** A child of this process, by the tick at which it was started. */
type Child = { pid: number; startTime: bigint };

/**
 * The processes that a runc has left in a container whose exec has failed: children of this process since `begunAt` of
 * whom nobody waits for the end, in the cgroup of the container's init. Only where the container has a pid namespace of
 * its own, whose orphans never come to us: without one they might be its own.
 */
export function leftoversIn(initPid: number, begunAt: bigint, reaper: Reaper): Child[] {
  try {
    const cgroup = cgroupOf(initPid);
    const pids = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').split(' ').map(Number);
    return pids.flatMap((pid) => {
      // Of most children the end is waited for: they need not be looked at.
      const stat = reaper.expects(pid) ? undefined : processStat(pid);
      if (stat === undefined || stat.startTime < begunAt) return [];
      return cgroupOf(pid) === cgroup && isApart(pid) ? [{ pid, startTime: stat.startTime }] : [];
    });
  } catch {
    // The container has ended meanwhile, and all that was in it; or the kernel tells of no children (CONFIG_PROC_CHILDREN).
    return [];
  }
}

const cgroupOf = (pid: number): string => readFileSync(`/proc/${pid}/cgroup`, 'latin1');
const isApart = (pid: number): boolean =>
  readlinkSync(`/proc/${pid}/ns/pid`) !== readlinkSync('/proc/self/ns/pid');

/** Kills what is still there of them and still nobody's. Nobody but this process can reap them, so a pid is theirs. */
export function endLeftovers(children: readonly Child[], reaper: Reaper): void {
  for (const { pid, startTime } of children) {
    const stat = processStat(pid);
    if (stat?.startTime === startTime && stat.parentPid === process.pid && !reaper.expects(pid)) {
      kill(pid, KILL);
    }
  }
}
