import { describe, expect, it } from 'vitest';
import { DecayingSample } from '../../src/metrics/decaying-sample.ts';

/** Numbers from 0 to 1 that are the same at each run (xorshift). */
function createRandom(seed = 0x2545f491): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a decaying sample', () => {
  const random = createRandom();

  it('holds everything until it is full', () => {
    const sample = new DecayingSample({ nowSeconds: () => 0, random, size: 100 });
    for (let value = 9; value >= 0; value--) sample.add(value);
    expect(sample.sorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('holds no more than its size', () => {
    const sample = new DecayingSample({ nowSeconds: () => 0, random });
    for (let value = 0; value < 5_000; value++) sample.add(value);
    const values = sample.sorted();
    expect(values).toHaveLength(1028);
    expect(new Set(values).size).toBe(1028);
  });

  it('has all that comes at one time alike', () => {
    const sample = new DecayingSample({ nowSeconds: () => 0, random });
    for (let value = 0; value < 20_000; value++) sample.add(value);
    expect(mean(sample.sorted())).toBeGreaterThan(9_000);
    expect(mean(sample.sorted())).toBeLessThan(11_000);
  });

  it('forgets what is old', () => {
    let now = 0;
    const sample = new DecayingSample({ nowSeconds: () => now, random, size: 100 });
    for (let n = 0; n < 1_000; n++) sample.add(1);
    now = 600;
    for (let n = 0; n < 1_000; n++) sample.add(2);
    expect(mean(sample.sorted())).toBeGreaterThan(1.95);
  });

  // The smallest alpha that go-metrics' tests use would be infinite within an hour if seconds were taken for nanoseconds.
  it('goes on through the hours in which its priorities are measured anew', () => {
    let now = 0;
    const sample = new DecayingSample({ nowSeconds: () => now, random, size: 100, alphaPerSecond: 0.99 });
    for (let hour = 0; hour < 48; hour++) {
      now = hour * 3_700;
      for (let n = 0; n < 200; n++) sample.add(hour);
      expect(sample.sorted()[0]).toBe(hour);
    }
  });
});
