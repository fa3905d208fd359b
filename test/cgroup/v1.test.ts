import { describe, expect, it } from 'vitest';
import { partsV1 } from '../../src/cgroup/v1.ts';
import { openCaptured, pathsV1, statsOf } from './captured.ts';

describe('the stats of cgroup v1', () => {
  const stats = statsOf(partsV1, openCaptured(pathsV1()));

  it('have CPU time in nanoseconds, by processor and by mode, and the throttling', () => {
    expect(stats.cpu_stats).toEqual({
      cpu_usage: {
        total_usage: 1_830_145_627_310n,
        percpu_usage: [915_072_813_001n, 815_072_813_309n, 100_000_000_000n, 1000n],
        usage_in_kernelmode: 609_230_000_000n,
        usage_in_usermode: 1_220_910_000_000n,
      },
      throttling_data: { periods: 18_420n, throttled_periods: 912n, throttled_time: 45_731_822_113n },
    });
  });

  it('have memory, memory with swap, and kernel memory, each with its peak and failures', () => {
    const { stats: _, ...memory } = stats.memory_stats ?? {};
    expect(memory).toEqual({
      cache: 33_554_432n,
      usage: { usage: 151_019_520n, max_usage: 268_435_456n, failcnt: 4512n },
      swap_usage: { usage: 156_262_400n, max_usage: 277_872_640n, failcnt: 1n },
      kernel_usage: { usage: 8_273_920n, max_usage: 11_321_344n, failcnt: 2n },
    });
  });

  it('have every line of memory.stat, exactly', () => {
    const lines = stats.memory_stats?.stats ?? {};
    expect(Object.keys(lines)).toHaveLength(42);
    expect(lines).toMatchObject({
      total_rss: 109_051_904n,
      hierarchical_memsw_limit: 9_223_372_036_854_771_712n,
    });
  });

  it('have the I/O of the policy that counts, by disk and operation, without the total of all disks', () => {
    const disk = { major: 8n, minor: 0n };
    expect(stats.blkio_stats).toEqual({
      io_service_bytes_recursive: [
        { ...disk, op: 'Read', value: 90_430_464n },
        { ...disk, op: 'Write', value: 299_008_000n },
        { ...disk, op: 'Sync', value: 389_438_464n },
        { ...disk, op: 'Async', value: 0n },
        { ...disk, op: 'Discard', value: 50_331_648n },
        { ...disk, op: 'Total', value: 439_770_112n },
      ],
      io_serviced_recursive: [
        { ...disk, op: 'Read', value: 8950n },
        { ...disk, op: 'Write', value: 1252n },
        { ...disk, op: 'Sync', value: 10_202n },
        { ...disk, op: 'Async', value: 0n },
        { ...disk, op: 'Discard', value: 3021n },
        { ...disk, op: 'Total', value: 13_223n },
      ],
      io_queued_recursive: [],
      io_service_time_recursive: [],
      io_wait_time_recursive: [],
      io_merged_recursive: [],
      io_time_recursive: [],
      sectors_recursive: [],
    });
  });

  it('have huge pages by their size', () => {
    expect(stats.hugetlb_stats).toEqual({
      '2MB': { usage: 20_971_520n, max_usage: 31_457_280n, failcnt: 7n },
      '1GB': { usage: 0n, max_usage: 0n, failcnt: 0n },
    });
  });

  it('count all eight lists of CFQ, where disks and operations are told apart and where only disks are', () => {
    const of = (values: Record<string, string>) =>
      statsOf(partsV1, { read: (_, file) => values[file] ?? '', names: () => [] });
    const byOp = (value: number) => `8:0 Read ${value}\nTotal ${value}\n`;
    const { blkio_stats: blkio } = of({
      'blkio.io_service_bytes_recursive': byOp(1),
      'blkio.io_serviced_recursive': byOp(2),
      'blkio.io_queued_recursive': byOp(3),
      'blkio.io_service_time_recursive': byOp(4),
      'blkio.io_wait_time_recursive': byOp(5),
      'blkio.io_merged_recursive': byOp(6),
      'blkio.time_recursive': '8:0 7\n',
      'blkio.sectors_recursive': '8:0 8\n',
      'blkio.throttle.io_serviced_recursive': byOp(9),
    });
    const entry = (value: bigint, op = 'Read') => [{ major: 8n, minor: 0n, op, value }];
    expect(blkio).toEqual({
      io_service_bytes_recursive: entry(1n),
      io_serviced_recursive: entry(2n),
      io_queued_recursive: entry(3n),
      io_service_time_recursive: entry(4n),
      io_wait_time_recursive: entry(5n),
      io_merged_recursive: entry(6n),
      io_time_recursive: entry(7n, ''),
      sectors_recursive: entry(8n, ''),
    });
  });

  it('are whole, with nothing counted, where a host has none of the controllers', () => {
    const { cpu_stats, memory_stats, blkio_stats, hugetlb_stats } = statsOf(partsV1, openCaptured({}));
    expect(cpu_stats?.cpu_usage).toMatchObject({ total_usage: 0n, percpu_usage: [] });
    expect(memory_stats).toMatchObject({ usage: { usage: 0n }, stats: {} });
    expect(blkio_stats?.io_serviced_recursive).toEqual([]);
    expect(hugetlb_stats).toEqual({});
  });
});
