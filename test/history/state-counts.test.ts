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

it('has fewer of what is long ago, and always the first and the last', () => {
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
  const { samples } = countStates(recorder, 16);
  for (let n = 0; n < 500; n++) {
    counts.set('running', n);
    stepped({ kind: 'container' } as never, { atMs: n * 1000 } as never);
  }
  expect(samples.length).toBeLessThanOrEqual(16);
  expect(samples.at(-1)?.counts).toEqual({ running: 499 });
  expect(samples[0]?.atMs).toBe(0);
  expect(samples.map(({ atMs }) => atMs)).toEqual(samples.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
});
