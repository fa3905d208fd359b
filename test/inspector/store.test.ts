import { expect, it, vi } from 'vitest';
import { Store } from '../../src/inspector/page/store.ts';
import type { StepRow } from '../../src/inspector/wire.ts';

const step = (session: string, number: number): StepRow => ({
  number,
  session,
  atMs: 0,
  sender: '',
  event: { type: 'signal' },
  state: 'running',
  context: {},
  edges: [],
  said: [],
  began: [],
});

it('has a step once that came with all that is kept and then with what is new', () => {
  const store = new Store();
  store.take({ type: 'steps', of: 'a', reset: true, rows: [step('a', 1), step('b', 2)] });
  store.take({ type: 'steps', of: 'a', reset: false, rows: [step('b', 2), step('a', 3), step('b', 3)] });
  store.take({ type: 'steps', of: 'other', reset: false, rows: [step('c', 4)] });
  expect(store.steps.map(({ session, number }) => `${session}${number}`)).toEqual(['a1', 'b2', 'a3', 'b3']);
});

it('has time stand still while the daemon is not there', () => {
  vi.useFakeTimers();
  try {
    const store = new Store();
    store.isLive = true;
    store.take({ type: 'welcome', id: 'm', secrets: false, nowMs: Date.now() + 500 });
    vi.advanceTimersByTime(1_000);
    const { nowMs } = store;
    store.isLive = false;
    vi.advanceTimersByTime(1_000);
    store.isLive = false;
    expect(store.nowMs).toBe(nowMs);
    store.isLive = true;
    expect(store.nowMs).toBe(nowMs + 1_000);
  } finally {
    vi.useRealTimers();
  }
});
