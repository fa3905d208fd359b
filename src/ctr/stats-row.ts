import type { BlkioStatsEntry, NetworkStats, Stats } from '../generated/api.ts';

/** Four columns, so that a row fits into 80. */
export const STATS_HEADER = ['CPU', 'MEMORY / MAX', 'NET IN / OUT', 'DISK READ / WRITE'];

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** A number of bytes with three digits that count: `1.50MiB`. */
export function formatBytes(byteLength: bigint): string {
  let value = Number(byteLength);
  let unit = 0;
  // Three digits of 999.5 would be four.
  for (; value >= (unit === 0 ? 1000 : 999.5) && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toPrecision(3)}${UNITS[unit]}`;
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

/** What goes through the loopback device does not leave the container. */
const network = (all: readonly NetworkStats[], of: (device: NetworkStats) => bigint): bigint =>
  sum(all.filter(({ name }) => name !== 'lo').map(of));

const disk = (entries: readonly BlkioStatsEntry[], op: string): bigint =>
  sum(entries.filter((entry) => entry.op.toLowerCase() === op).map(({ value }) => value));

const pair = (one: bigint, other: bigint): string => `${formatBytes(one)} / ${formatBytes(other)}`;

/**
 * Makes rows of one container's samples, given with the time (any clock in nanoseconds) at which they came: CPU in per
 * cent of one, since the sample before; all else as it stands.
 */
export function createStatsRows(): (sample: Stats, nowNs: bigint) => string[] {
  let before: { cpuNs: bigint; nowNs: bigint } | undefined;
  return ({ cgroup_stats, network_stats }, nowNs) => {
    const cpuNs = cgroup_stats?.cpu_stats?.cpu_usage?.total_usage ?? 0n;
    const cpu =
      before === undefined || nowNs <= before.nowNs
        ? '-'
        : `${((Number(cpuNs - before.cpuNs) / Number(nowNs - before.nowNs)) * 100).toFixed(1)}%`;
    before = { cpuNs, nowNs };
    const memory = cgroup_stats?.memory_stats?.usage;
    const blocks = cgroup_stats?.blkio_stats?.io_service_bytes_recursive ?? [];
    return [
      cpu,
      pair(memory?.usage ?? 0n, memory?.max_usage ?? 0n),
      pair(
        network(network_stats, ({ rx_bytes }) => rx_bytes),
        network(network_stats, ({ Tx_bytes }) => Tx_bytes),
      ),
      pair(disk(blocks, 'read'), disk(blocks, 'write')),
    ];
  };
}
