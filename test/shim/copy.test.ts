import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCopy } from '../../src/shim/stdio/copy.ts';
import type { Moved } from '../../src/shim/stdio/transfer.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate'] }));
afterEach(() => void vi.useRealTimers());

/** A copy between two devices that nobody can wait for; what each attempt comes to is said beforehand, the last again and again. */
function copyOf(...moves: Moved[]) {
  let attempts = 0;
  let ended = false;
  const transfer = {
    move: () => moves[Math.min(attempts++, moves.length - 1)] ?? 'end',
    drop: () => 0,
  };
  const device = { fd: -1, waitable: false };
  const copy = startCopy({
    source: device,
    sink: { ...device },
    transfer,
    onError: () => {},
    afterError: 'end',
    onEnd: () => {
      ended = true;
    },
  });
  return {
    copy,
    get attempts() {
      return attempts;
    },
    get ended() {
      return ended;
    },
  };
}

describe('a copy from a device', () => {
  it('goes on at once for as long as there is something', () => {
    const it = copyOf(1, 1, 1, 'end');
    vi.advanceTimersByTime(10);
    expect(it).toMatchObject({ attempts: 4, ended: true });
  });

  it.each(['source', 'sink'] as const)('leaves a %s that is not ready alone for a while', (side) => {
    const it = copyOf(side);
    vi.advanceTimersByTime(1_000);
    expect(it.attempts).toBeGreaterThan(10);
    expect(it.attempts).toBeLessThanOrEqual(21);
    expect(it.ended).toBe(false);
  });

  it('goes on once there is something again', () => {
    const it = copyOf('source', 'source', 1, 'end');
    vi.advanceTimersByTime(110);
    expect(it).toMatchObject({ attempts: 4, ended: true });
  });

  it('ends as it is told to', () => {
    const it = copyOf('source');
    vi.advanceTimersByTime(60);
    it.copy.stop();
    expect(it.ended).toBe(true);
    const { attempts } = it;
    vi.advanceTimersByTime(1_000);
    expect(it.attempts).toBe(attempts);
  });
});
