import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createReaper, type ReapedProcess } from '../../src/shim/reaper.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** Children of nobody's: a search among them takes as long as is said, and some cannot be held by a pidfd. */
function children({ searchMs = 0, unheld = [] as number[] } = {}) {
  const zombies = new Map<number, number>();
  const held = new Set<number>();
  let searches = 0;
  let signal = () => {};
  let another: (() => number) | undefined;
  const exits: ReapedProcess[] = [];
  const reaper = createReaper((exit) => exits.push(exit), {
    ends: {
      add: (pid) => !unheld.includes(pid) && Boolean(held.add(pid)),
      ended: () => [...held].filter((pid) => zombies.has(pid)),
      delete: (pid) => void held.delete(pid),
    },
    peek: (pid) => {
      if (pid === undefined) {
        searches += 1;
        vi.advanceTimersByTime(searchMs);
      }
      const found = pid ?? [...zombies.keys()][0] ?? 0;
      const status = zombies.get(found);
      return status === undefined ? undefined : { pid: found, status };
    },
    reap: (pid) => {
      zombies.delete(pid);
      if (another !== undefined) zombies.set(another(), 0);
    },
    onExit: (look) => {
      signal = look;
    },
  });
  return {
    reaper,
    /** Those that nobody expected. */
    strays: exits,
    /** They end, and the kernel says so once. */
    end(...ended: number[]) {
      for (const pid of ended) zombies.set(pid, 3);
      signal();
    },
    endlessly(next: () => number) {
      another = next;
    },
    endUnseen: (pid: number) => void zombies.set(pid, 3),
    get zombies() {
      return [...zombies.keys()];
    },
    get searches() {
      return searches;
    },
    get held() {
      return [...held];
    },
  };
}
const pidsOf = (exits: readonly ReapedProcess[]): number[] => exits.map(({ pid }) => pid);

describe('a child that is expected', () => {
  it('is told of once, with its status, a zombie still, and reaped then', () => {
    const world = children();
    const told: [ReapedProcess, boolean][] = [];
    world.reaper.expect(7, (exit) => told.push([exit, world.zombies.includes(7)]));
    world.end(7);
    expect(told).toEqual([[{ pid: 7, status: 3, timestamp: expect.any(BigInt) }, true]]);
    expect(world.zombies).toEqual([]);
    expect(world.held).toEqual([]);
    expect(world.reaper.expects(7)).toBe(false);
  });

  it('is told of later than it was expected where it had ended before', () => {
    const world = children();
    world.endUnseen(7);
    const told: number[] = [];
    world.reaper.expect(7, ({ pid }) => told.push(pid));
    expect(told).toEqual([]);
    vi.runAllTimers();
    expect(told).toEqual([7]);
    expect(world.zombies).toEqual([]);
  });

  it('is told of at once while a search is put off', () => {
    const world = children({ searchMs: 1 });
    world.end(1);
    const { searches } = world;
    const told: number[] = [];
    world.reaper.expect(7, ({ pid }) => told.push(pid));
    world.end(7);
    expect(told).toEqual([7]);
    expect(world.searches).toBe(searches);
  });

  it('is found by the search where it cannot be held by a pidfd', () => {
    const world = children({ unheld: [7] });
    const told: number[] = [];
    world.reaper.expect(7, ({ pid }) => told.push(pid));
    world.end(7);
    expect(told).toEqual([7]);
    expect(world.strays).toEqual([]);
  });
});

describe('a child that nobody expects', () => {
  it('is found at once where a search takes next to nothing', () => {
    const world = children();
    for (const pid of [1, 2, 3]) {
      world.end(pid);
      expect(pidsOf(world.strays)).toContain(pid);
    }
    expect(world.zombies).toEqual([]);
  });

  it('is found with all others, of which one signal may be all that is heard', () => {
    const world = children();
    world.reaper.expect(7, () => {});
    world.end(1, 2, 7, 3);
    expect(pidsOf(world.strays)).toEqual([1, 2, 3]);
    expect(world.zombies).toEqual([]);
  });

  it('is found after as long as keeps the searches to a five hundredth of the time', () => {
    const world = children({ searchMs: 1 });
    world.end(1);
    const { searches } = world;
    for (const pid of [2, 3, 4]) world.end(pid);
    vi.advanceTimersByTime(499);
    expect(world.searches).toBe(searches);
    expect(pidsOf(world.strays)).toEqual([1]);
    vi.advanceTimersByTime(1);
    expect(pidsOf(world.strays)).toEqual([1, 2, 3, 4]);
    expect(world.zombies).toEqual([]);
  });

  it('leaves others their turn where there is always one more', () => {
    const world = children({ searchMs: 1 });
    let next = 100;
    // Each that is taken has another in its place.
    world.endlessly(() => ++next);
    world.end(next);
    expect(world.strays.length).toBeLessThan(10);
    const { length } = world.strays;
    vi.advanceTimersByTime(5);
    expect(world.strays.length).toBeGreaterThan(length);
    expect(world.strays.length).toBeLessThan(2 * 10);
  });

  it('is found a second later at most', () => {
    const world = children({ searchMs: 4 });
    world.end(1);
    world.end(2);
    vi.advanceTimersByTime(999);
    expect(pidsOf(world.strays)).toEqual([1]);
    vi.advanceTimersByTime(1);
    expect(pidsOf(world.strays)).toEqual([1, 2]);
  });

  it('is found at once where none was searched for lately', () => {
    const world = children({ searchMs: 1 });
    world.end(1);
    vi.advanceTimersByTime(500);
    world.end(2);
    expect(pidsOf(world.strays)).toEqual([1, 2]);
  });
});
