import { describe, expect, it } from 'vitest';
import { ratioOf } from '../../bench/row.ts';

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
