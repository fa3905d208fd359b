import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atEach, byTens, fromZero } from '../../bench/axis.ts';

const measured = fc.array(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 20 });

describe('an axis from zero', () => {
  it.each([
    [
      [3, 17.5],
      [0, 5, 10, 15, 20],
    ],
    [[70], [0, 20, 40, 60, 80]],
    [[0.25], [0, 0.05, 0.1, 0.15, 0.2, 0.25]],
    [[60], [0, 10, 20, 30, 40, 50, 60]],
  ])('for %j has round ticks', (values, ticks) => {
    expect(fromZero(values).ticks).toEqual(ticks);
  });

  it('has a value twice as large twice as far', () => {
    const { placeOf } = fromZero([80]);
    expect([0, 20, 40, 80].map(placeOf)).toEqual([0, 0.25, 0.5, 1]);
  });
});

describe('an axis by tens', () => {
  it.each([
    [
      [30, 900],
      [20, 50, 100, 200, 500, 1000],
    ],
    [
      [100, 200],
      [100, 200],
    ],
    [[100], [100, 200]],
    [[0.3], [0.2, 0.5]],
  ])('for %j goes by 1, 2 and 5', (values, ticks) => {
    expect(byTens(values).ticks).toEqual(ticks);
  });

  it('has a value ten times as large as far off everywhere', () => {
    const { placeOf } = byTens([10, 1000]);
    expect([10, 100, 1000].map((it) => Number(placeOf(it).toFixed(9)))).toEqual([0, 0.5, 1]);
  });
});

describe('an axis at each value', () => {
  it('has every value once, in order', () => {
    expect(atEach([100, 1, 10, 1]).ticks).toEqual([1, 10, 100]);
  });

  it('has a value that is alone in the middle', () => {
    expect(atEach([7]).placeOf(7)).toBe(0.5);
  });
});

describe.each([
  ['from zero', fromZero],
  ['by tens', byTens],
  ['at each value', atEach],
])('any axis, %s too,', (_, axisOf) => {
  it('has a place on it for every value, and few ticks, each larger than the one before', () => {
    fc.assert(
      fc.property(measured, (values) => {
        const { ticks, placeOf } = axisOf(values);
        for (const value of values) {
          expect(placeOf(value)).toBeGreaterThanOrEqual(-1e-9);
          expect(placeOf(value)).toBeLessThanOrEqual(1 + 1e-9);
        }
        expect(ticks.length).toBeLessThanOrEqual(50);
        expect(ticks).toEqual([...new Set(ticks)].toSorted((a, b) => a - b));
      }),
    );
  });

  it.each([[[]], [[0]], [[-1, 5]], [[Number.NaN]], [[Number.POSITIVE_INFINITY]]])('refuses %j', (values) => {
    expect(() => axisOf(values)).toThrow(RangeError);
  });
});
