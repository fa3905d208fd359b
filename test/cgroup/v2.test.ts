import { describe, expect, it } from 'vitest';
import { partsV2 } from '../../src/cgroup/v2.ts';
import { openCaptured, pathsV2, statsOf } from './captured.ts';

describe('the stats of cgroup v2', () => {
  const stats = statsOf(partsV2, openCaptured(pathsV2()));

  it('have CPU time in nanoseconds by mode, not by processor, and the throttling', () => {
    expect(stats.cpu_stats).toEqual({
      cpu_usage: {
        total_usage: 1_830_145_627_000n,
        percpu_usage: [],
        usage_in_kernelmode: 609_232_219_000n,
        usage_in_usermode: 1_220_913_408_000n,
      },
      throttling_data: { periods: 18_420n, throttled_periods: 912n, throttled_time: 45_731_822_000n },
    });
  });

  it('have memory with its peak and failures, memory and swap together, and kernel memory', () => {
    const { stats: _, ...memory } = stats.memory_stats ?? {};
    expect(memory).toEqual({
      cache: 33_554_432n,
      usage: { usage: 151_019_520n, max_usage: 268_435_456n, failcnt: 4512n },
      swap_usage: { usage: 151_019_520n + 5_242_880n, max_usage: 0n, failcnt: 0n },
      kernel_usage: { usage: 8_273_920n, max_usage: 0n, failcnt: 0n },
    });
  });

  it('have every line of memory.stat', () => {
    const lines = stats.memory_stats?.stats ?? {};
    expect(Object.keys(lines)).toHaveLength(56);
    expect(lines).toMatchObject({ anon: 109_051_904n, pgfault: 1_520_847n, thp_collapse_alloc: 2n });
  });

  it('have the I/O under the names of v1, disk by disk', () => {
    expect(stats.blkio_stats).toEqual({
      io_service_bytes_recursive: [
        { major: 8n, minor: 16n, op: 'Read', value: 1_459_200n },
        { major: 8n, minor: 16n, op: 'Write', value: 314_773_504n },
        { major: 8n, minor: 16n, op: 'Discard', value: 0n },
        { major: 8n, minor: 0n, op: 'Read', value: 90_430_464n },
        { major: 8n, minor: 0n, op: 'Write', value: 299_008_000n },
        { major: 8n, minor: 0n, op: 'Discard', value: 50_331_648n },
      ],
      io_serviced_recursive: [
        { major: 8n, minor: 16n, op: 'Read', value: 192n },
        { major: 8n, minor: 16n, op: 'Write', value: 353n },
        { major: 8n, minor: 16n, op: 'Discard', value: 0n },
        { major: 8n, minor: 0n, op: 'Read', value: 8950n },
        { major: 8n, minor: 0n, op: 'Write', value: 1252n },
        { major: 8n, minor: 0n, op: 'Discard', value: 3021n },
      ],
      io_queued_recursive: [],
      io_service_time_recursive: [],
      io_wait_time_recursive: [],
      io_merged_recursive: [],
      io_time_recursive: [],
      sectors_recursive: [],
    });
  });

  it('have huge pages by their size, what is only reserved left out', () => {
    expect(stats.hugetlb_stats).toEqual({
      '2MB': { usage: 20_971_520n, max_usage: 0n, failcnt: 7n },
      '1GB': { usage: 0n, max_usage: 0n, failcnt: 0n },
    });
  });

  it('take an unlimited number for the largest there is', () => {
    const files = { read: () => 'max\n', names: () => [] };
    expect(statsOf(partsV2, files).memory_stats?.usage?.usage).toBe(2n ** 64n - 1n);
  });

  it('are whole, with nothing counted, where controllers are not enabled', () => {
    const { memory_stats, blkio_stats } = statsOf(partsV2, openCaptured({ '': '/nonexistent' }));
    expect(memory_stats).toMatchObject({
      cache: 0n,
      usage: { usage: 0n },
      swap_usage: { usage: 0n },
      stats: {},
    });
    expect(blkio_stats?.io_serviced_recursive).toEqual([]);
  });
});
