import { type BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { CgroupStats, Stats } from '../generated/messages/api.ts';
import { type CgroupPaths, isUnified, openControlFiles } from './control-files.ts';
import type { KernelFiles } from './kernel-files.ts';
import { type Init, type Networks, NO_STATS } from './networks.ts';
import { type CgroupParts, type Part, remember } from './part.ts';
import { partsV1 } from './v1.ts';
import { partsV2 } from './v2.ts';

/** A container to take samples of. */
export type Subject = Init & { cgroupPaths: CgroupPaths };

/** Takes samples of one container. */
export type Sampler = {
  /**
   * Writes what the kernel has counted until now, as `Stats` of api.proto; nothing where the container's cgroups are gone.
   * Throws, and has written nothing, where the host has nothing to read it with.
   */
  sample(writer: BinaryWriter): void;
  close(): void;
};

const MS_PER_SECOND = 1000;

const NO_CGROUP_STATS: CgroupStats = {
  cpu_stats: undefined,
  memory_stats: undefined,
  blkio_stats: undefined,
  hugetlb_stats: {},
};
/** Of `Stats`, which is encoded from parts here. */
const CGROUP_STATS_FIELD = 2;

/** The parts of a cgroup's stats, each encoded on its own: messages of one field, which one after the other are one. */
const encodedParts = (parts: CgroupParts): Part<Uint8Array>[] =>
  Object.entries(parts).map(
    ([field, part]) =>
      (files) =>
        CgroupStats.encode({ ...NO_CGROUP_STATS, [field]: part(files) }).finish(),
  );

/** Opens what tells of a container, to be read for each sample. */
export function createSampler(
  { cgroupPaths, ...init }: Subject,
  files: KernelFiles,
  networks: Networks,
): Sampler {
  const control = openControlFiles(cgroupPaths, files);
  const cgroup = encodedParts(isUnified(cgroupPaths) ? partsV2 : partsV1).map((part) =>
    remember(part, control),
  );
  const network = networks.of(init);
  return {
    sample(writer) {
      const parts = cgroup.map((part) => part());
      if (!control.exist()) return;
      const interfaces = network.stats();
      writer.raw(interfaces).tag(CGROUP_STATS_FIELD, WireType.LengthDelimited).fork();
      for (const part of parts) writer.raw(part);
      writer.join();
      Stats.encode({ ...NO_STATS, timestamp: BigInt(Math.floor(Date.now() / MS_PER_SECOND)) }, writer);
    },
    close() {
      control.close();
      network.close();
    },
  };
}
