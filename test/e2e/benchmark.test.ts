import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { TestDaemon } from './fixtures/daemon.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

let bundles: Bundles;
let bundle: string;
let daemon: TestDaemon;
beforeAll(async () => {
  bundles = await makeBundles();
  bundle = await bundles.make('benchmark');
  daemon = await TestDaemon.start();
});
afterAll(async () => {
  await daemon?.remove();
  await bundles?.remove();
});

const benchmark = (...args: string[]) =>
  execa(
    process.execPath,
    ['scripts/run-ts.mjs', 'bench/benchmark.ts', '--addr', daemon.socketPath, ...args],
    {
      cwd: root,
      reject: false,
    },
  );

describe('the benchmark', () => {
  it('prints the seconds and the start times as the original’s README does, and leaves nothing', async () => {
    const { stdout, stderr, exitCode } = await benchmark('--count', '30', '--bundle', bundle);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    const lines = stdout.split('\n').map((line) => line.replace(/^\[containerd\] [\d/]{10} [\d:]{8} /, ''));
    expect(lines[0]).toMatch(/^30 containers in \d+\.\d\d seconds$/);
    const rows = lines.slice(1).map((line) => /^ {2}(\S+): +(\d+)(?:ms)?$/.exec(line)?.slice(1) ?? []);
    expect(rows.map(([label]) => label)).toEqual([
      ...['count', 'min', 'max', 'mean', 'stddev', 'median', '75%', '95%', '99%', '99.9%'],
    ]);
    expect(rows[0]?.[1]).toBe('30');
    const [, min = 0, max = 0, mean = 0, , median = 0] = rows.map(([, value]) => Number(value));
    expect([min, median, max].toSorted((a, b) => a - b)).toEqual([min, median, max]);
    expect(mean).toBeGreaterThan(10);
    expect(new Set(lines.slice(1).map((line) => line.length)).size).toBe(1);
    expect(await daemon.containers()).toEqual([]);
  });

  it('kills what it has started when it is interrupted', async () => {
    const events = await daemon.events({ types: ['start'] });
    const run = benchmark('--count', '5000', '--bundle', bundle);
    await events.next(({ type }) => type === 'start');
    events.close();
    run.kill('SIGINT');
    const { stdout, exitCode } = await run;
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/ \d{1,3} containers in /);
    expect(await daemon.containers()).toEqual([]);
  });

  it('says what went wrong, and fails', async () => {
    const { stdout, stderr, exitCode } = await benchmark('--count', '2', '--bundle', '/no/such/bundle');
    expect(stderr.split('\n').map((line) => line.replace(/\d+-/, '-'))).toEqual([
      '[benchmark] -0: containerd: bundle not found',
      '[benchmark] -1: containerd: bundle not found',
    ]);
    expect(stdout).toMatch(/ 0 containers in /);
    expect(exitCode).toBe(1);
  });

  it('leaves the containers of others alone', async () => {
    const events = await daemon.events();
    const { pid } = await daemon.create(`others-${process.pid}`, bundle);
    await benchmark('--count', '3', '--bundle', bundle);
    expect((await daemon.containers()).map(({ id }) => id)).toEqual([`others-${process.pid}`]);
    await daemon.signal(`others-${process.pid}`, 9);
    await events.exit(`others-${process.pid}`, pid);
    events.close();
  });
});
