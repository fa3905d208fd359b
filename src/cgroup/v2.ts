import type {
  BlkioStats,
  BlkioStatsEntry,
  CpuStats,
  HugetlbStats,
  MemoryStats,
} from '../generated/messages/api.ts';
import { parseCounter, parseCounters } from './counters.ts';
import type { CgroupParts, PartFiles } from './part.ts';

/**
 * Numbers of cgroup v2 (the kernel's Documentation/admin-guide/cgroup-v2.rst) in their v1 meaning, as runc's libcontainer
 * maps them; where that leaves out what v2 does count, it is here too. docs/stats.md lists what stays empty.
 */

const NS_PER_USEC = 1000n;

/** The one hierarchy of v2 has no name. */
const UNIFIED = '';

/** What the files of a container's cgroup say. */
export const partsV2: CgroupParts = {
  cpu_stats: cpuStats,
  memory_stats: memoryStats,
  blkio_stats: (files) => blkioStats(files.read(UNIFIED, 'io.stat')),
  hugetlb_stats: hugetlbStats,
};

function cpuStats(files: PartFiles): CpuStats {
  const stat = parseCounters(files.read(UNIFIED, 'cpu.stat'));
  const nanoseconds = (name: string) => (stat[name] ?? 0n) * NS_PER_USEC;
  return {
    cpu_usage: {
      total_usage: nanoseconds('usage_usec'),
      percpu_usage: [],
      usage_in_kernelmode: nanoseconds('system_usec'),
      usage_in_usermode: nanoseconds('user_usec'),
    },
    throttling_data: {
      periods: stat.nr_periods ?? 0n,
      throttled_periods: stat.nr_throttled ?? 0n,
      throttled_time: nanoseconds('throttled_usec'),
    },
  };
}

function memoryStats(files: PartFiles): MemoryStats {
  const stats = parseCounters(files.read(UNIFIED, 'memory.stat'));
  const usage = parseCounter(files.read(UNIFIED, 'memory.current'));
  return {
    cache: stats.file ?? 0n,
    usage: {
      usage,
      max_usage: parseCounter(files.read(UNIFIED, 'memory.peak')),
      failcnt: parseCounters(files.read(UNIFIED, 'memory.events')).max ?? 0n,
    },
    // v1 counts memory and swap together.
    swap_usage: {
      usage: usage + parseCounter(files.read(UNIFIED, 'memory.swap.current')),
      max_usage: 0n,
      failcnt: 0n,
    },
    kernel_usage: { usage: stats.kernel ?? 0n, max_usage: 0n, failcnt: 0n },
    stats,
  };
}

type Counted = keyof Pick<BlkioStats, 'io_service_bytes_recursive' | 'io_serviced_recursive'>;

/** The fields of io.stat, by what v1 calls their file and operation. */
const IO_FIELDS: Record<string, { list: Counted; op: string }> = {
  rbytes: { list: 'io_service_bytes_recursive', op: 'Read' },
  wbytes: { list: 'io_service_bytes_recursive', op: 'Write' },
  dbytes: { list: 'io_service_bytes_recursive', op: 'Discard' },
  rios: { list: 'io_serviced_recursive', op: 'Read' },
  wios: { list: 'io_serviced_recursive', op: 'Write' },
  dios: { list: 'io_serviced_recursive', op: 'Discard' },
};

/** A disk a line: `8:0 rbytes=4096 wbytes=0 rios=1 …`. A disk that others share may name fields twice, or none. */
const IO_LINE = /^(\d+):(\d+) (.*)$/gm;
const IO_FIELD = /(\w+)=(\d+)/g;

function blkioStats(text: string): BlkioStats {
  const lists: Record<Counted, BlkioStatsEntry[]> = {
    io_service_bytes_recursive: [],
    io_serviced_recursive: [],
  };
  for (const [, major = '', minor = '', fields = ''] of text.matchAll(IO_LINE)) {
    for (const [, name = '', value = ''] of fields.matchAll(IO_FIELD)) {
      const field = IO_FIELDS[name];
      if (field === undefined) continue;
      lists[field.list].push({
        major: BigInt(major),
        minor: BigInt(minor),
        op: field.op,
        value: BigInt(value),
      });
    }
  }
  return {
    ...lists,
    io_queued_recursive: [],
    io_service_time_recursive: [],
    io_wait_time_recursive: [],
    io_merged_recursive: [],
    io_time_recursive: [],
    sectors_recursive: [],
  };
}

const HUGETLB_USAGE = /^hugetlb\.([^.]+)\.current$/;

function hugetlbStats(files: PartFiles): { [pageSize: string]: HugetlbStats } {
  const sizes = files.names(UNIFIED).flatMap((name) => HUGETLB_USAGE.exec(name)?.[1] ?? []);
  return Object.fromEntries(
    sizes.map((size) => [
      size,
      {
        usage: parseCounter(files.read(UNIFIED, `hugetlb.${size}.current`)),
        max_usage: 0n,
        failcnt: parseCounters(files.read(UNIFIED, `hugetlb.${size}.events`)).max ?? 0n,
      },
    ]),
  );
}
