import { expect, it } from 'vitest';
import { Timer } from '../../src/metrics/timer.ts';

it('a timer that was never used shows 0 everywhere', () => {
  expect(new Set(Object.values(new Timer().read()))).toEqual(new Set([0]));
});

it('a timer shows what it was given and how often', () => {
  let now = 100;
  const timer = new Timer({ nowSeconds: () => now });
  for (const value of [10, 20, 30]) timer.add(value);
  expect(timer.read()).toMatchObject({ count: 3, min: 10, max: 30, mean: 20, median: 20, rate1: 0 });
  now += 6;
  expect(timer.read()).toMatchObject({ count: 3, rate1: 0.6, rate5: 0.6, rate15: 0.6, meanRate: 0.5 });
  now += 60;
  expect(timer.read().rate1).toBeCloseTo(0.22072766470286553, 12);
});

it('a rate that was not looked at for a year is as if it had been', () => {
  let now = 0;
  const timer = new Timer({ nowSeconds: () => now });
  timer.add(1);
  now = 365 * 86_400;
  timer.add(2);
  expect(timer.read()).toMatchObject({ count: 2, rate1: 0 });
  now += 5;
  expect(timer.read().rate1).toBeCloseTo((1 - Math.exp(-5 / 60)) / 5, 12);
});
