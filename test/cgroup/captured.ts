import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CgroupPaths, openControlFiles } from '../../src/cgroup/control-files.ts';
import { createKernelFiles } from '../../src/cgroup/kernel-files.ts';
import type { CgroupParts, PartFiles } from '../../src/cgroup/part.ts';
import type { CgroupStats } from '../../src/generated/messages/api.ts';

/** Where the files of test/cgroup/fixtures are: they hold what the kernel shows for a container under load. */
export const captured = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

/** The folders of the v1 controllers captured. */
export const pathsV1 = (): CgroupPaths =>
  Object.fromEntries(
    readdirSync(captured('v1')).map((controller) => [controller, captured(`v1/${controller}`)]),
  );

export const pathsV2 = (): CgroupPaths => ({ '': captured('v2') });

export const openCaptured = (paths: CgroupPaths): PartFiles => {
  const { open, names } = openControlFiles(paths, createKernelFiles(100));
  return { read: (controller, name) => open(controller, name).read() ?? '', names };
};

/** What all parts say together. */
export const statsOf = (parts: CgroupParts, files: PartFiles): CgroupStats => ({
  cpu_stats: parts.cpu_stats(files),
  memory_stats: parts.memory_stats(files),
  blkio_stats: parts.blkio_stats(files),
  hugetlb_stats: parts.hugetlb_stats(files),
});
