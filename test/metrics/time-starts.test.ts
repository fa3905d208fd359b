import { expect, it } from 'vitest';
import { ContainerdError } from '../../src/errors.ts';
import type { LaunchInput } from '../../src/machines/process-model.ts';
import { timeStarts } from '../../src/metrics/time-starts.ts';
import { Timer } from '../../src/metrics/timer.ts';

const launched = { pid: 4711, startTime: '1' };
const input = (process: string, kind: LaunchInput['launch']['kind']) =>
  ({ id: 'redis', process, launch: { kind } }) as unknown as LaunchInput;

it.each([
  ['a start', 'init', 'start', 1],
  ['a restore', 'init', 'restore', 1],
  ['what a former daemon began', 'init', 'adopt', 0],
  ['an exec', 'exec-1', 'exec', 0],
] as const)('of %s it is timed and passed on', async (_, process, kind, count) => {
  const timer = new Timer();
  const launch = timeStarts(async () => launched, timer);
  expect(await launch(input(process, kind))).toBe(launched);
  expect(timer.read().count).toBe(count);
});

it('a start that fails is not timed', async () => {
  const timer = new Timer();
  const launch = timeStarts(
    () => Promise.reject(new ContainerdError('runtimeFailed', 'no such program')),
    timer,
  );
  await expect(launch(input('init', 'start'))).rejects.toThrow('no such program');
  expect(timer.read().count).toBe(0);
});

it('is in nanoseconds', async () => {
  const timer = new Timer();
  const before = performance.now();
  await timeStarts(
    () => new Promise((resolve) => setTimeout(resolve, 30, launched)),
    timer,
  )(input('init', 'start'));
  const tookNs = (performance.now() - before) * 1e6;
  const { min } = timer.read();
  expect(min).toBeGreaterThan(25e6);
  expect(min).toBeLessThan(tookNs);
});
