import { expect, it } from 'vitest';
import { statisticsOf } from '../../src/metrics/statistics.ts';

// The figures of go-metrics' own tests.
it('the statistics of 1 to 10,000 are those of go-metrics', () => {
  const { median, p75, p99, ...rest } = statisticsOf(Array.from({ length: 10_000 }, (_, n) => n + 1));
  expect(rest).toMatchObject({ min: 1, max: 10_000, mean: 5000.5, stddev: 2886.751331514372 });
  expect([median, p75]).toEqual([5000.5, 7500.75]);
  expect(p99).toBeCloseTo(9900.99, 9);
});

it('one value is every percentile', () => {
  expect(statisticsOf([7])).toEqual({
    min: 7,
    max: 7,
    mean: 7,
    stddev: 0,
    median: 7,
    p75: 7,
    p95: 7,
    p99: 7,
    p999: 7,
  });
});

it('of no values all is 0', () => {
  expect(new Set(Object.values(statisticsOf([])))).toEqual(new Set([0]));
});
