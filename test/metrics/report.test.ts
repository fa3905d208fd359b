import { expect, it } from 'vitest';
import type { Reading } from '../../src/metrics/reading.ts';
import { report } from '../../src/metrics/report.ts';

it('reports at once, to every outlet, and again at each interval until it is stopped', async () => {
  const stop = new AbortController();
  const seen: [outlet: string, value: number][] = [];
  let reads = 0;
  const outlet = (name: string) => (readings: readonly Reading[]) => {
    const [gauge] = readings;
    seen.push([name, gauge?.kind === 'gauge' ? gauge.value : 0]);
    if (seen.length === 6) stop.abort();
  };
  await report({
    read: async () => [{ kind: 'gauge', name: 'reads', value: ++reads }],
    outlets: [outlet('a'), outlet('b')],
    intervalMs: 1,
    signal: stop.signal,
  });
  expect(seen).toEqual([
    ['a', 1],
    ['b', 1],
    ['a', 2],
    ['b', 2],
    ['a', 3],
    ['b', 3],
  ]);
});

it('reads nothing where nobody looks', async () => {
  let reads = 0;
  await report({
    read: async () => {
      reads += 1;
      return [];
    },
    outlets: [],
    intervalMs: 1,
    signal: new AbortController().signal,
  });
  expect(reads).toBe(0);
});
