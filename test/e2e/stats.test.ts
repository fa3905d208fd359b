import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BlkioStatsEntry, Stats } from '../../src/generated/api.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { type EventStream, TestDaemon } from './fixtures/daemon.ts';
import { descriptors, onCgroupV2 } from './fixtures/host.ts';
import { Runner } from './fixtures/run.ts';
import { StatsStream, sampleOf } from './fixtures/stats.ts';

const KILL = 9;
const BUSY = ['sh', '-c', 'while :; do :; done'];

let bundles: Bundles;
let daemon: TestDaemon;
let events: EventStream;
let runner: Runner;

beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start();
  events = await daemon.events();
  runner = await Runner.on(daemon, events);
});
afterAll(async () => {
  await daemon?.remove();
  await runner?.remove();
  await bundles?.remove();
});

const unique = (name: string) => `${name}-${process.pid}`;

async function box(name: string, options: Parameters<Bundles['make']>[1] = {}): Promise<string> {
  await daemon.create(unique(name), await bundles.make(name, options));
  return unique(name);
}

async function end(id: string): Promise<void> {
  await daemon.signal(id, KILL);
  await events.exit(id);
}

const cpuOf = (stats: Stats | undefined): bigint =>
  stats?.cgroup_stats?.cpu_stats?.cpu_usage?.total_usage ?? 0n;

/**
 * What of runc's own numbers is compared; what it leaves out is 0. Numbers are strings, as some are beyond 2^53. Of cgroup v2,
 * runc 1.1 leaves out the maxima, kernel memory but for its line in memory.stat, and discards.
 */
type RuncStats = {
  cpu: {
    usage: { total: string; percpu?: string[]; kernel?: string; user?: string };
    throttling?: { periods?: string; throttledPeriods?: string; throttledTime?: string };
  };
  memory: Record<'usage' | 'swap' | 'kernel', { usage?: string; max?: string; failcnt: string }> & {
    cache?: string;
    raw: Record<string, string>;
  };
  blkio: Record<string, { major?: string; minor?: string; op?: string; value?: string }[]>;
  hugetlb: Record<string, { usage?: string; max?: string; failcnt: string }>;
};

async function runcStats(id: string): Promise<RuncStats> {
  const args = ['--root', path.join(daemon.stateDir, 'runc'), 'events', '--stats', id];
  const { stdout } = await promisify(execFile)('runc', args);
  return JSON.parse(stdout.replace(/([[:,])(\d+)/g, '$1"$2"')).data;
}

describe('the stats of a container', () => {
  it('are those that runc gives of it', async () => {
    const bundle = await bundles.make('oracle', {
      args: [
        'sh',
        '-c',
        'dd if=/dev/zero of=/data/oracle bs=1M count=8 conv=fsync; echo written; while :; do :; done',
      ],
      memoryLimitBytes: 64 * 2 ** 20,
    });
    const file = path.join(bundle, 'config.json');
    const config = JSON.parse(await readFile(file, 'utf8'));
    config.linux.resources.cpu = { quota: 20_000, period: 100_000 };
    await writeFile(file, JSON.stringify(config));
    const id = unique('oracle');
    const stdout = path.join(daemon.folder, 'oracle.out');
    await writeFile(stdout, '');
    await daemon.create(id, bundle, { stdout });
    await expect.poll(() => readFile(stdout, 'utf8'), { timeout: 30_000 }).toBe('written\n');
    const stream = new StatsStream(daemon, id);
    const hasWorked = async (): Promise<boolean> => {
      const { cpu_stats: cpu } = (await stream.take(stream.seen.length + 1)).cgroup_stats ?? {};
      const throttled = cpu?.throttling_data?.throttled_periods ?? 0n;
      return throttled > 3n && (cpu?.cpu_usage?.total_usage ?? 0n) > 100_000_000n;
    };
    while (!(await hasWorked()));
    // Frozen, it goes on counting nothing.
    await daemon.update(id, { status: 'paused' });

    const next = () => stream.take(stream.seen.length + 2);
    const before = await next();
    const runc = await runcStats(id);
    const after = await next();
    const near = (ours: bigint | undefined, theirs: string | undefined, tolerance = 0n) => {
      const difference = (ours ?? 0n) - BigInt(theirs ?? 0);
      expect(difference < 0n ? -difference : difference).toBeLessThanOrEqual(tolerance);
    };
    for (const { cgroup_stats: cgroup } of [before, after]) {
      const { cpu_usage: usage, throttling_data: throttling } = cgroup?.cpu_stats ?? {};
      const cpuTolerance = 20_000_000n;
      near(usage?.total_usage, runc.cpu.usage.total, cpuTolerance);
      expect(usage?.total_usage).toBeGreaterThan(100_000_000n);
      const percpu = runc.cpu.usage.percpu ?? [];
      expect(percpu.length > 0).toBe(!onCgroupV2);
      expect(usage?.percpu_usage).toHaveLength(percpu.length);
      for (const [cpu, theirs] of percpu.entries()) {
        near(usage?.percpu_usage[cpu], theirs, cpuTolerance);
      }
      near(usage?.usage_in_kernelmode, runc.cpu.usage.kernel, cpuTolerance);
      near(usage?.usage_in_usermode, runc.cpu.usage.user, cpuTolerance);
      near(throttling?.throttled_periods, runc.cpu.throttling?.throttledPeriods, 2n);
      expect(throttling?.throttled_periods).toBeGreaterThan(3n);
      near(throttling?.periods, runc.cpu.throttling?.periods, 2n);
      near(throttling?.throttled_time, runc.cpu.throttling?.throttledTime, 200_000_000n);

      const memory = cgroup?.memory_stats;
      // The kernel charges by batches of 64 pages for each processor.
      const memoryTolerance = 2n * 64n * 4096n;
      for (const [ours, theirs] of [
        [memory?.usage, runc.memory.usage],
        [memory?.swap_usage, runc.memory.swap],
        [
          memory?.kernel_usage,
          onCgroupV2 ? { usage: runc.memory.raw.kernel, failcnt: '0' } : runc.memory.kernel,
        ],
      ] as const) {
        near(ours?.usage, theirs.usage, memoryTolerance);
        if (!onCgroupV2) near(ours?.max_usage, theirs.max, memoryTolerance);
        near(ours?.failcnt, theirs.failcnt);
      }
      expect(memory?.usage?.max_usage).toBeGreaterThan(8n * 2n ** 20n);
      near(memory?.cache, runc.memory.cache, memoryTolerance);
      expect(Object.keys(memory?.stats ?? {}).toSorted()).toEqual(Object.keys(runc.memory.raw).toSorted());
      for (const [name, theirs] of Object.entries(runc.memory.raw)) {
        near(memory?.stats[name], theirs, memoryTolerance);
      }

      const blkio = Object.entries(cgroup?.blkio_stats ?? {}).flatMap(([list, entries]) =>
        (entries as BlkioStatsEntry[])
          .filter(({ op }) => !onCgroupV2 || op !== 'Discard')
          .map(({ major, minor, op, value }) => `${list} ${major}:${minor} ${op} ${value}`),
      );
      const theirs = Object.entries(LISTS).flatMap(([list, name]) =>
        (runc.blkio[name] ?? []).map(
          ({ major = 0, minor = 0, op = '', value = 0 }) => `${list} ${major}:${minor} ${op} ${value}`,
        ),
      );
      expect(blkio).toEqual(theirs);
      expect(Object.keys(cgroup?.hugetlb_stats ?? {})).toEqual(Object.keys(runc.hugetlb));
    }
    stream.cancel();
    await end(id);
  });

  it('have the network of the container’s own namespace', async () => {
    const id = await box('net', { namespaces: ['pid', 'ipc', 'uts', 'network'] });
    const { output } = await runner.exec(id, ['cat', '/proc/net/dev']);
    const names = [...output.matchAll(/^\s*(\S+):/gm)].map(([, name]) => name);
    const stats = await sampleOf(daemon, id);
    expect(stats.network_stats.map(({ name }) => name)).toEqual(names);
    expect(names).not.toContain('eth0');
    await end(id);
  });

  it('come at once, then each second', async () => {
    const id = await box('cadence', { args: BUSY });
    const stream = new StatsStream(daemon, id);
    await stream.take(1);
    await stream.take(4);
    const usage = stream.seen.map(cpuOf);
    expect(usage).toEqual(usage.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(usage).size).toBe(usage.length);
    const stamps = stream.seen.map(({ timestamp }) => Number(timestamp));
    expect(Math.abs(Date.now() / 1000 - (stamps.at(-1) ?? 0))).toBeLessThan(30);
    expect((stamps[3] ?? 0) - (stamps[0] ?? 0)).toBeGreaterThanOrEqual(1);
    stream.cancel();
    await end(id);
  });

  it('are one sample a second for all who want them', async () => {
    const id = await box('shared', { args: BUSY });
    const streams = Array.from({ length: 25 }, () => new StatsStream(daemon, id));
    const start = performance.now();
    await Promise.all(streams.map((stream) => stream.take(4)));
    const seconds = (performance.now() - start) / 1000;
    // Of a container that is busy, no two samples are alike.
    const samples = new Set(streams.flatMap((stream) => stream.seen.map(cpuOf)));
    expect(samples.size).toBeLessThanOrEqual(Math.ceil(seconds) + 2);
    for (const stream of streams) stream.cancel();
    await end(id);
  });

  it('go on while it is paused, and use no CPU then', async () => {
    const id = await box('paused', { args: BUSY });
    await daemon.update(id, { status: 'paused' });
    const stream = new StatsStream(daemon, id);
    const last = await stream.take(3);
    expect(cpuOf(last)).toBe(cpuOf(stream.seen[0]));
    expect(cpuOf(last)).toBeGreaterThan(0n);
    stream.cancel();
    await end(id);
  });
});

const LISTS = {
  io_service_bytes_recursive: 'ioServiceBytesRecursive',
  io_serviced_recursive: 'ioServicedRecursive',
  io_queued_recursive: 'ioQueueRecursive',
  io_service_time_recursive: 'ioServiceTimeRecursive',
  io_wait_time_recursive: 'ioWaitTimeRecursive',
  io_merged_recursive: 'ioMergedRecursive',
  io_time_recursive: 'ioTimeRecursive',
  sectors_recursive: 'sectorsRecursive',
};

describe('a stream of stats', () => {
  it('ends with OK for all who read it once the container ends, before the exit is told', async () => {
    const id = await box('ends');
    const streams = [1, 2, 3].map(() => new StatsStream(daemon, id));
    await Promise.all(streams.map((stream) => stream.take(1)));
    await end(id);
    for (const stream of streams) expect(await stream.ended).toBe('OK');
  });

  it('is refused of a container that is not there, or no longer, and of what cannot be an id', async () => {
    const id = await box('was');
    await end(id);
    for (const missing of [id, unique('never')]) {
      expect(await new StatsStream(daemon, missing).ended).toBe('NOT_FOUND');
    }
    for (const wrong of ['', '..', 'a/b']) {
      expect(await new StatsStream(daemon, wrong).ended).toBe('INVALID_ARGUMENT');
    }
  });

  it('starts anew with a container of the same id', async () => {
    const bundle = await bundles.make('again', { args: BUSY });
    const id = unique('again');
    await daemon.create(id, bundle);
    const first = new StatsStream(daemon, id);
    const used = cpuOf(await first.take(3));
    await end(id);
    await daemon.create(id, bundle);
    expect(cpuOf(await sampleOf(daemon, id))).toBeLessThan(used);
    await daemon.signal(id, KILL);
    await events.next((it) => events.seen.filter(({ id: other }) => other === id).indexOf(it) === 1);
  });

  it('leaves no descriptor and no thread behind once its client has gone away', async () => {
    const pid = daemon.child.pid ?? 0;
    const held = async () => (await descriptors(pid)).filter((it) => /cgroup|\/net\/dev/.test(it)).length;
    const threads = async () => (await readdir(`/proc/${pid}/task`)).length;
    const ids = await Promise.all(['one', 'two', 'three'].map((name) => box(name)));
    await expect.poll(held).toBe(0);
    const before = await threads();
    const streams = ids.map((id) => new StatsStream(daemon, id));
    await Promise.all(streams.map((stream) => stream.take(1)));
    expect(await held()).toBeGreaterThan(10);
    for (const stream of streams) stream.cancel();
    await expect.poll(held).toBe(0);
    await expect.poll(threads).toBe(before);
    await Promise.all(ids.map(end));
  });
});
