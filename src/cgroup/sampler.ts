import { Stats } from '../generated/messages/api.ts';
import { processStat } from '../linux/process-stat.ts';
import { type CgroupPaths, isUnified, openControlFiles } from './control-files.ts';
import type { KernelFiles } from './kernel-files.ts';
import { parseNetDev } from './net-dev.ts';
import { statsV1 } from './v1.ts';
import { statsV2 } from './v2.ts';

/** A container to take samples of: its cgroups, and its init by host pid and start time (clock ticks, in decimal). */
export type Subject = { cgroupPaths: CgroupPaths; pid: number; startTime: string };

/** Takes samples of one container. */
export type Sampler = {
  /** What the kernel has counted until now; undefined where the container's cgroups are gone. */
  sample(): Stats | undefined;
  close(): void;
};

const MS_PER_SECOND = 1000;

/** Opens what tells of a container, to be read for each sample. */
export function createSampler({ cgroupPaths, pid, startTime }: Subject, files: KernelFiles): Sampler {
  const control = openControlFiles(cgroupPaths, files);
  const statsOf = isUnified(cgroupPaths) ? statsV2 : statsV1;
  // The path would be another process's once init has ended and its pid is used again.
  const isInit = () => String(processStat(pid)?.startTime) === startTime;
  const network = files.open(`/proc/${pid}/net/dev`, isInit);
  return {
    sample() {
      const cgroup = statsOf(control);
      if (!control.exist()) return undefined;
      return Stats.create({
        network_stats: parseNetDev(network.read() ?? ''),
        cgroup_stats: cgroup,
        timestamp: BigInt(Math.floor(Date.now() / MS_PER_SECOND)),
      });
    },
    close() {
      control.close();
      network.close();
    },
  };
}
