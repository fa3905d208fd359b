import { expect, it } from 'vitest';
import { createStatsRows, formatBytes } from '../../src/ctr/stats-row.ts';
import { Stats } from '../../src/generated/api.ts';

const SECOND_NS = 1_000_000_000n;

it.each<[bigint, string]>([
  [0n, '0B'],
  [999n, '999B'],
  [1000n, '0.977KiB'],
  [1024n, '1.00KiB'],
  [1_022_976n, '999KiB'],
  [1_023_590n, '0.976MiB'],
  [1_572_864n, '1.50MiB'],
  [15n * 2n ** 30n, '15.0GiB'],
  [2n ** 64n - 1n, '16.0EiB'],
])('%d bytes are %s', (byteLength, text) => {
  expect(formatBytes(byteLength)).toBe(text);
});

it('CPU is what was used since the sample before', () => {
  const rowOf = createStatsRows();
  const sample = (ns: bigint) =>
    Stats.fromPartial({ cgroup_stats: { cpu_stats: { cpu_usage: { total_usage: ns } } } });
  const cpu = [
    rowOf(sample(5n * SECOND_NS), 100n * SECOND_NS),
    rowOf(sample(6n * SECOND_NS), 102n * SECOND_NS),
    rowOf(sample(10n * SECOND_NS), 104n * SECOND_NS),
  ].map(([first]) => first);
  expect(cpu).toEqual(['-', '50.0%', '200.0%']);
});

it('what is in no device but the loopback is not of the network, and bytes are of all disks', () => {
  const blocks = [
    { major: 8n, op: 'Read', value: 1024n },
    { major: 8n, op: 'Write', value: 2048n },
    { major: 8n, op: 'Total', value: 3072n },
    { major: 9n, op: 'read', value: 1024n },
  ];
  const sample = Stats.fromPartial({
    network_stats: [
      { name: 'lo', rx_bytes: 5n, Tx_bytes: 5n },
      { name: 'eth0', rx_bytes: 1n, Tx_bytes: 2n },
      { name: 'eth1', rx_bytes: 3n, Tx_bytes: 4n },
    ],
    cgroup_stats: { blkio_stats: { io_service_bytes_recursive: blocks } },
  });
  expect(createStatsRows()(sample, 0n).slice(2)).toEqual(['4B / 6B', '2.00KiB / 2.00KiB']);
});
