import { describe, expect, it } from 'vitest';
import { createRush } from '../../src/shim/rush.ts';

describe('programs at work', () => {
  it('wait for their turns from when there are two for each processor', () => {
    const rush = createRush(2, true);
    expect([1, 2, 3, 4, 5, 6].map(() => rush.begin())).toEqual([false, false, false, false, true, true]);
  });

  it('do not where others have ended meanwhile', () => {
    const rush = createRush(1, true);
    expect([rush.begin(), rush.begin(), rush.begin()]).toEqual([false, false, true]);
    rush.end();
    rush.end();
    expect([rush.begin(), rush.begin()]).toEqual([false, true]);
  });

  it('never do where the shim cannot see to it that what they leave does not', () => {
    const rush = createRush(1, false);
    expect([1, 2, 3, 4].map(() => rush.begin())).toEqual([false, false, false, false]);
  });
});
