import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDeparture } from '../../src/shim/departure.ts';

let busy = false;
const leave = vi.fn();
beforeEach(() => {
  vi.useFakeTimers();
  busy = false;
  leave.mockClear();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a shim to which no daemon comes leaves after ten seconds, not earlier', () => {
  const departure = createDeparture(() => busy, leave);
  departure.look();
  vi.advanceTimersByTime(9_999);
  expect(leave).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(leave).toHaveBeenCalledOnce();
});

test('a shim leaves with its daemon if it has nothing to do', () => {
  const departure = createDeparture(() => busy, leave);
  departure.daemon(true);
  vi.advanceTimersByTime(60_000);
  expect(leave).not.toHaveBeenCalled();
  departure.daemon(false);
  expect(leave).toHaveBeenCalledOnce();
});

test('a shim that is busy leaves once it is no more, unless a daemon has come meanwhile', () => {
  const departure = createDeparture(() => busy, leave);
  busy = true;
  departure.daemon(true);
  departure.daemon(false);
  departure.look();
  departure.daemon(true);
  busy = false;
  departure.look();
  expect(leave).not.toHaveBeenCalled();
  departure.daemon(false);
  expect(leave).toHaveBeenCalledOnce();
});
