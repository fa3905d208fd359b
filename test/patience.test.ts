import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inTime } from '../src/patience.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('what is to come in time', () => {
  const late = () => new Error('too late');

  it('is given', async () => {
    const left: string[] = [];
    const given = inTime(1_000, Promise.resolve('value'), { late, leave: (it) => left.push(it) });
    expect(await given).toBe('value');
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(left).toEqual([]);
  });

  it('fails as it does', async () => {
    const given = inTime(1_000, Promise.reject(new Error('no')), { late, leave: () => {} });
    await expect(given).rejects.toThrow('no');
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ['comes', (resolve: (it: string) => void) => resolve('value'), ['value']],
    ['fails', (_: unknown, reject: (error: Error) => void) => reject(new Error('no')), []],
  ])('is given up where it %s later, and left to whoever undoes it', async (_, settle, undone) => {
    const left: string[] = [];
    let end = () => {};
    const promise = new Promise<string>((resolve, reject) => {
      end = () => settle(resolve, reject);
    });
    const given = inTime(1_000, promise, { late, leave: (it) => left.push(it) });
    const refused = expect(given).rejects.toThrow('too late');
    await vi.advanceTimersByTimeAsync(1_000);
    await refused;
    end();
    await vi.advanceTimersByTimeAsync(0);
    expect(left).toEqual(undone);
  });
});
