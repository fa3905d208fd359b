import { afterEach, describe, expect, it, vi } from 'vitest';
import { now } from '../../src/history/clock.ts';

const HOUR_MS = 3_600_000;

afterEach(() => void vi.useRealTimers());

describe('the time of a step', () => {
  it('is finer than a millisecond', () => {
    const moments = Array.from({ length: 100 }, now);
    expect(moments.some((ms) => !Number.isInteger(ms))).toBe(true);
    expect(moments).toEqual(moments.toSorted((a, b) => a - b));
  });

  it.each([
    ['on, as where the host has slept', HOUR_MS],
    ['back', -HOUR_MS],
  ])('is the system’s, though its clock is set %s', (_, byMs) => {
    now();
    const setMs = Date.now() + byMs;
    vi.useFakeTimers({ toFake: ['Date'], now: setMs });
    expect(now()).toBe(setMs);
    expect(now()).toBeGreaterThan(setMs);
  });
});
