import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { printed } from '../../src/metrics/layout.ts';
import { seedReadings } from './seed-readings.ts';

it('metrics are printed as the original’s README shows them', async () => {
  const seed = await readFile(new URL('fixtures/seed.txt', import.meta.url), 'utf8');
  expect(printed(seedReadings, new Date(2015, 11, 16, 11, 48, 28))).toBe(seed);
});

it('the time of day has two digits everywhere', () => {
  const [line] = printed(seedReadings, new Date(2026, 0, 2, 3, 4, 5)).split('\n');
  expect(line).toBe('[containerd] 2026/01/02 03:04:05 timer container-start-time');
});
