import type {
  BlkioStats,
  BlkioStatsEntry,
  CpuStats,
  HugetlbStats,
  MemoryData,
  MemoryStats,
} from '../generated/messages/api.ts';
import { parseCounter, parseCounters } from './counters.ts';
import type { CgroupParts, PartFiles } from './part.ts';

/** Numbers of cgroup v1 (the kernel's Documentation/admin-guide/cgroup-v1), as libcontainer of runc 1.1 reads them. */

/** cpuacct.stat counts ticks of USER_HZ, which is 100 on every architecture that Node runs on. */
const NS_PER_TICK = 10_000_000n;

/** What a controller's files say of a container. */
export const partsV1: CgroupParts = {
  cpu_stats: cpuStats,
  memory_stats: memoryStats,
  blkio_stats: blkioStats,
  hugetlb_stats: hugetlbStats,
};

function cpuStats(files: PartFiles): CpuStats {
  const percpu = files.read('cpuacct', 'cpuacct.usage_percpu').split(' ').filter(isField).map(parseCounter);
  const ticks = parseCounters(files.read('cpuacct', 'cpuacct.stat'));
  const throttling = parseCounters(files.read('cpu', 'cpu.stat'));
  return {
    cpu_usage: {
      // cpuacct.usage is their sum: one file less to read.
      total_usage: percpu.reduce((sum, usage) => sum + usage, 0n),
      percpu_usage: percpu,
      usage_in_kernelmode: (ticks.system ?? 0n) * NS_PER_TICK,
      usage_in_usermode: (ticks.user ?? 0n) * NS_PER_TICK,
    },
    throttling_data: {
      periods: throttling.nr_periods ?? 0n,
      throttled_periods: throttling.nr_throttled ?? 0n,
      throttled_time: throttling.throttled_time ?? 0n,
    },
  };
}

const isField = (text: string): boolean => text.trim() !== '';

function memoryStats(files: PartFiles): MemoryStats {
  const stats = parseCounters(files.read('memory', 'memory.stat'));
  return {
    cache: stats.cache ?? 0n,
    usage: memoryData(files, 'memory'),
    swap_usage: memoryData(files, 'memory.memsw'),
    kernel_usage: memoryData(files, 'memory.kmem'),
    stats,
  };
}

const memoryData = (files: PartFiles, name: string): MemoryData => ({
  usage: parseCounter(files.read('memory', `${name}.usage_in_bytes`)),
  max_usage: parseCounter(files.read('memory', `${name}.max_usage_in_bytes`)),
  failcnt: parseCounter(files.read('memory', `${name}.failcnt`)),
});

/**
 * Who counts I/O depends on the disk's scheduler: BFQ, CFQ, or else the throttling policy, which sees all of it; kernels
 * without its recursive files have the others.
 */
const BLKIO_POLICIES = [
  { prefix: 'blkio.bfq.', suffixes: ['_recursive'] },
  { prefix: 'blkio.', suffixes: ['_recursive'] },
  { prefix: 'blkio.throttle.', suffixes: ['_recursive', ''] },
];

function blkioStats(files: PartFiles): BlkioStats {
  for (const { prefix, suffixes } of BLKIO_POLICIES) {
    for (const suffix of suffixes) {
      const text = files.read('blkio', `${prefix}io_serviced${suffix}`);
      if (text === '') continue;
      const serviced = parseBlkio(text);
      if (serviced.length === 0) break;
      const read = (name: string) => parseBlkio(files.read('blkio', `${prefix}${name}${suffix}`));
      return {
        io_service_bytes_recursive: read('io_service_bytes'),
        io_serviced_recursive: serviced,
        io_queued_recursive: read('io_queued'),
        io_service_time_recursive: read('io_service_time'),
        io_wait_time_recursive: read('io_wait_time'),
        io_merged_recursive: read('io_merged'),
        io_time_recursive: read('time'),
        sectors_recursive: read('sectors'),
      };
    }
  }
  return NO_BLKIO;
}

const NO_BLKIO: BlkioStats = {
  io_service_bytes_recursive: [],
  io_serviced_recursive: [],
  io_queued_recursive: [],
  io_service_time_recursive: [],
  io_wait_time_recursive: [],
  io_merged_recursive: [],
  io_time_recursive: [],
  sectors_recursive: [],
};

/** `8:0 Read 4096`, or `8:0 4096` where operations are not told apart; the total of all disks is left out. */
const BLKIO_LINE = /^(\d+):(\d+)(?: (\w+))? (\d+)$/gm;

function parseBlkio(text: string): BlkioStatsEntry[] {
  return [...text.matchAll(BLKIO_LINE)].map(([, major = '', minor = '', op = '', value = '']) => ({
    major: BigInt(major),
    minor: BigInt(minor),
    op,
    value: BigInt(value),
  }));
}

const HUGETLB_USAGE = /^hugetlb\.([^.]+)\.usage_in_bytes$/;

function hugetlbStats(files: PartFiles): { [pageSize: string]: HugetlbStats } {
  const sizes = files.names('hugetlb').flatMap((name) => HUGETLB_USAGE.exec(name)?.[1] ?? []);
  const read = (size: string, file: string) => parseCounter(files.read('hugetlb', `hugetlb.${size}.${file}`));
  return Object.fromEntries(
    sizes.map((size) => [
      size,
      {
        usage: read(size, 'usage_in_bytes'),
        max_usage: read(size, 'max_usage_in_bytes'),
        failcnt: read(size, 'failcnt'),
      },
    ]),
  );
}
