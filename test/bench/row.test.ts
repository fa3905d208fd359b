import { describe, expect, it } from 'vitest';
import { inPairs, ratesOf, ratioOf } from '../../bench/row.ts';

describe('a ratio of pairs', () => {
  it('is that of the sums', () => {
    const pairs = [
      { ours: 3, raw: 1 },
      { ours: 1, raw: 1 },
    ];
    expect(ratioOf(pairs)).toMatchObject({ ours: 4, raw: 2, ratio: 2 });
  });

  it('is without error where each pair has the same', () => {
    const pairs = [1, 2, 3].map((raw) => ({ ours: 1.5 * raw, raw }));
    expect(ratioOf(pairs).error).toBe(0);
  });

  it('has the standard error of a mean where one side does not change', () => {
    const pairs = Array.from({ length: 50 }, (_, n) => ({ ours: n % 2 === 0 ? 1.1 : 0.9, raw: 1 }));
    expect(ratioOf(pairs)).toMatchObject({
      ratio: expect.closeTo(1),
      error: expect.closeTo(0.1 / Math.sqrt(49)),
    });
  });
});

describe('two ways of doing the same', () => {
  it('are measured in turns, in an order that favours neither', async () => {
    const order: string[] = [];
    const turn = (name: string, seconds: number) => async () => {
      order.push(name);
      return seconds;
    };
    const pairs = await inPairs(4, turn('a', 1), turn('b', 2));
    expect(order.join('')).toBe('abbaabba');
    expect(pairs).toEqual(Array(4).fill({ ours: 1, raw: 2 }));
  });

  it('have rates, of which the one that takes half as long has twice the other', () => {
    const pairs = Array(4).fill({ ours: 2, raw: 4 });
    expect(ratesOf(pairs, 100)).toEqual({ value: 2, of: '± 0.00, 50.0 against 25.0 a second' });
    expect(ratesOf(pairs, 100, 'by another').of).toBe('± 0.00, 50.0 against 25.0 by another');
  });
});
