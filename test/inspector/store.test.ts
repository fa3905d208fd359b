import { describe, expect, it, vi } from 'vitest';
import { Store } from '../../src/inspector/page/store.ts';
import type { ActorRow, StepRow, ToPage } from '../../src/inspector/wire.ts';

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

describe('what is kept of containers', () => {
  const row = (session: string, id: string, goneMs: number): ActorRow => ({
    session,
    kind: 'container',
    id,
    parent: 's',
    state: 'running.steady',
    sinceMs: 0,
    bornMs: 0,
    goneMs,
    pid: 0,
  });
  const actors = (rows: ActorRow[], forgotten: string[] = []): ToPage => ({
    type: 'actors',
    reset: false,
    whole: true,
    rows,
    forgotten,
    nowMs: 0,
  });

  it('is, by name, the one that is there, or else the last that was', () => {
    const store = new Store();
    // Those that are there are told of first.
    store.take(actors([row('3', 'web', 0), row('1', 'web', 10), row('2', 'web', 20)]));
    expect(store.named('web')?.session).toBe('3');
    store.take(actors([row('3', 'web', 30)]));
    expect(store.named('web')?.session).toBe('3');
    expect(store.named('other')).toBeUndefined();
  });

  it('has no steps of one that is forgotten', () => {
    const store = new Store();
    store.take(actors([row('1', 'web', 0), row('2', 'db', 0)]));
    store.take({ type: 'steps', of: '1', reset: true, rows: [step('1', 1), step('2', 2)] });
    const { revision } = store;
    store.take(actors([], ['1']));
    expect(store.steps.map(({ session }) => session)).toEqual(['2']);
    expect(store.revision).not.toBe(revision);
  });
});
