import { expect, it } from 'vitest';
import { createRecorder } from '../../src/history/recorder.ts';
import { countStates } from '../../src/history/state-counts.ts';
import { startSimulatedSystem } from '../inspector/simulated-system.ts';

it('has the last counts, however often they change within a moment', async () => {
  const { recorder, start } = await startSimulatedSystem();
  const { samples } = countStates(recorder);
  for (const id of ['a', 'b', 'c']) await start(id);
  expect(samples.at(-1)?.counts).toMatchObject({ running: 3, created: 0 });
});

/** Counts of a recorder that tells what it is told to. */
function counting(maxSamples?: number) {
  const counts = new Map<string, number>();
  let stepped: Parameters<ReturnType<typeof createRecorder>['listen']>[0]['stepped'] = () => {};
  const recorder = {
    ...createRecorder(),
    counts,
    listen(listener: Parameters<ReturnType<typeof createRecorder>['listen']>[0]) {
      stepped = listener.stepped;
      return () => {};
    },
  };
  const { samples } = countStates(recorder, maxSamples);
  const note = (atMs: number, running: number) => {
    counts.set('running', running);
    stepped({ kind: 'container' } as never, { atMs } as never);
  };
  return { samples, note };
}

it('has fewer of what is long ago, and always the first and the last', () => {
  const { samples, note } = counting(16);
  for (let n = 0; n < 500; n++) note(n * 1000, n);
  expect(samples.length).toBeLessThanOrEqual(16);
  expect(samples.at(-1)?.counts).toEqual({ running: 499 });
  expect(samples[0]?.atMs).toBe(0);
  expect(samples.map(({ atMs }) => atMs)).toEqual(samples.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
});

it('goes on where the clock was set back, without what would be still to come', () => {
  const { samples, note } = counting();
  for (const [n, atMs] of [10_000, 20_000, 30_000, 15_000, 16_000].entries()) note(atMs, n);
  expect(samples.map(({ atMs, counts }) => [atMs, counts.running])).toEqual([
    [10_000, 0],
    [15_000, 3],
    [16_000, 4],
  ]);
});
