import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { countOomKills } from '../../src/cgroup/oom.ts';
import { readStateFile } from '../../src/runc/state-file.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { TestDaemon } from './fixtures/daemon.ts';
import { again, crash, removeAll, toldOf } from './fixtures/restart.ts';
import { StatsStream } from './fixtures/stats.ts';
import { until } from './fixtures/until.ts';

const USR1 = 10;
const PATIENCE_MS = 30_000;
const LIMIT_BYTES = 32 * 2 ** 20;
/** Has a child killed for want of memory each time that it is told to, and lives on. */
const HUNGRY_WHEN_TOLD = ['sh', '-c', 'trap "tail /dev/zero" USR1; echo ready; while :; do sleep 0.05; done'];
const FLAGS = ['--oom-notify', '--debug', '--metrics-interval', '50ms'];

let bundles: Bundles;
let daemon: TestDaemon;
beforeAll(async () => {
  bundles = await makeBundles();
});
afterAll(() => bundles.remove());
beforeEach(async () => {
  daemon = await TestDaemon.start({ flags: FLAGS });
});
afterEach(() => removeAll(daemon));

const unique = (name: string) => `${name}-${process.pid}`;
const ooms = async (id: string) => (await toldOf(daemon, id)).filter((type) => type === 'oom').length;
async function restart(): Promise<void> {
  await crash(daemon);
  daemon = await again(daemon, { flags: FLAGS });
}

/** How many kills the kernel counts in a container. */
async function kernelCount(id: string): Promise<number> {
  const state = await readStateFile(path.join(daemon.stateDir, 'runc'), id);
  return countOomKills(state?.cgroupPaths ?? {});
}

describe('an OOM kill', () => {
  let id: string;
  let pid: number;
  beforeEach(async () => {
    id = unique('hungry');
    const bundle = await bundles.make('hungry', { memoryLimitBytes: LIMIT_BYTES, args: HUNGRY_WHEN_TOLD });
    const stdout = path.join(daemon.folder, 'hungry.out');
    await writeFile(stdout, '');
    ({ pid } = await daemon.create(id, bundle, { stdout }));
    await expect.poll(() => toldOf(daemon, id)).toEqual(['start']);
    // Pid 1 of a container ignores a signal that it has no trap for.
    await expect.poll(() => readFile(stdout, 'utf8')).toBe('ready\n');
  });

  it('while no daemon is there is told once by the next one, and by none after it', async () => {
    await crash(daemon);
    process.kill(pid, USR1);
    await until(async () => (await kernelCount(id)) === 1, PATIENCE_MS);
    daemon = await again(daemon, { flags: FLAGS });
    await expect.poll(() => ooms(id)).toBe(1);
    const kept = path.join(daemon.stateDir, 'containers', id, 'oom-kills');
    await expect.poll(() => readFile(kept, 'utf8')).toBe('1');
    await restart();
    // A later one is told, so an earlier one would have been.
    await daemon.signal(id, USR1);
    await until(async () => (await kernelCount(id)) === 2, PATIENCE_MS);
    await expect.poll(() => ooms(id)).toBe(2);
  });
});

describe('after a restart', () => {
  it('stats come again, of the same container, a second apart', async () => {
    const id = unique('sampled');
    await daemon.create(id, await bundles.make('sampled', { args: ['sh', '-c', 'while :; do :; done'] }));
    const usageOf = async () => {
      const stream = new StatsStream(daemon, id);
      const samples = [await stream.take(1), await stream.take(2)];
      stream.cancel();
      return samples.map((it) => it.cgroup_stats?.cpu_stats?.cpu_usage?.total_usage ?? 0n);
    };
    const before = await usageOf();
    await restart();
    const usage = [...before, ...(await usageOf())];
    expect(usage.every((value, n) => n === 0 || value > (usage[n - 1] ?? 0n))).toBe(true);
  });

  it('the counters go on where they were, and what is there is counted as it is', async () => {
    const bundle = await bundles.make('counted');
    for (const name of ['a', 'b']) await daemon.create(unique(name), bundle);
    await expect.poll(() => toldOf(daemon, unique('b'))).toEqual(['start']);
    for (let round = 0; round < 2; round++) await restart();
    const counts = () => {
      const report = daemon.stdout.slice(daemon.stdout.findLastIndex((line) => line.endsWith('-time')));
      const count = (metric: string) =>
        Number(report[report.findIndex((line) => line.endsWith(metric)) + 1]?.match(/(\d+)$/)?.[1]);
      return ['timer container-start-time', 'counter containers', 'counter events'].map(count);
    };
    await expect.poll(counts).toEqual([2, 2, 2]);
    await daemon.create(unique('c'), bundle);
    await expect.poll(counts).toEqual([3, 3, 3]);
  });
});
