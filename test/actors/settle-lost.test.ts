import { expect, it } from 'vitest';
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

it('looks again where it could not', async () => {
  const outcomes = [Promise.reject(new Error('no /proc')), Promise.resolve()];
  const settleLost = createSettleLost(
    () => ({ ready: async () => 1 }),
    () => outcomes.shift() ?? Promise.reject(new Error('asked too often')),
  );
  await expect(settleLost()).rejects.toThrow('no /proc');
  await settleLost();
});
