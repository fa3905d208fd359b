import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSettleLost } from '../../src/actors/settle-lost.ts';

it('looks for what a lost shim has left at work once, whoever asks, and again once that shim’s next is lost', async () => {
  let pid = 1;
  const looked: number[] = [];
  const shim = { ready: async () => pid };
  const settleLost = createSettleLost(
    () => shim,
    async (shimPid) => void looked.push(shimPid),
  );
  await Promise.all([settleLost(), settleLost()]);
  await settleLost();
  pid = 2;
  await settleLost();
  expect(looked).toEqual([1, 2]);
});

describe('where it cannot look', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  const settleWith = (look: () => Promise<void>) => createSettleLost(() => ({ ready: async () => 1 }), look);

  it('tries again after a while', async () => {
    const outcomes = [Promise.reject(new Error('no descriptors')), Promise.resolve()];
    const settled = settleWith(() => outcomes.shift() ?? Promise.reject(new Error('asked too often')))();
    await vi.runAllTimersAsync();
    await settled;
    expect(outcomes).toEqual([]);
  });

  it('gives up in the end, and begins anew for whoever asks then', async () => {
    let looks = 0;
    const settleLost = settleWith(async () => {
      looks += 1;
      throw new Error('no descriptors');
    });
    for (const sum of [10, 20]) {
      const settled = expect(settleLost()).rejects.toThrow('no descriptors');
      await vi.runAllTimersAsync();
      await settled;
      expect(looks).toBe(sum);
    }
  });
});
