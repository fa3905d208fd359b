import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStatsCollector, type StatsSubscriber } from '../../src/actors/stats.ts';
import type { Sampled, ToThread } from '../../src/cgroup/thread-messages.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A collector whose thread answers when the test says so. */
function stage() {
  const threads: {
    posted: ToThread[];
    ended: boolean;
    answer: (sampled: Sampled[]) => void;
    fail: () => void;
  }[] = [];
  const found: string[] = [];
  const collector = createStatsCollector({
    startThread: (onSampled, onFailed) => {
      const thread = {
        posted: [] as ToThread[],
        ended: false,
        answer: onSampled,
        fail: () => onFailed(new Error('the thread broke')),
      };
      threads.push(thread);
      return {
        post: (message) => thread.posted.push(message),
        end() {
          thread.ended = true;
        },
      };
    },
    find: async ({ id, pid, startTime }) => {
      found.push(id);
      if (id === 'unseen') throw new Error('too many open files');
      return id === 'gone' ? undefined : { cgroupPaths: {}, pid, startTime };
    },
  });
  const thread = () => threads.at(-1) ?? expect.fail('no thread was started');
  /** Which samples the thread has been asked for since the last time. */
  const asked = () => {
    const keys = thread().posted.flatMap((message) => (message.type === 'sample' ? message.keys : []));
    thread().posted.length = 0;
    return keys;
  };
  const answer = (key: number, text: string) =>
    thread().answer([{ key, stats: bytes(text), trouble: undefined }]);
  return { collector, threads, thread, found, asked, answer };
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text));
const container = (id: string, pid = 1) => ({ id, pid, startTime: '7' });

function subscriber() {
  const seen: string[] = [];
  const failures: string[] = [];
  const callbacks: StatsSubscriber = {
    onSample: (stats) => seen.push(Buffer.from(stats).toString()),
    onFailed: (error) => failures.push(error.message),
  };
  return { ...callbacks, seen, failures };
}

describe('the stats collector', () => {
  it('does nothing as long as nobody has subscribed', async () => {
    const { threads } = stage();
    await vi.advanceTimersByTimeAsync(5000);
    expect(threads).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('takes a sample at once, then one each second', async () => {
    const { collector, asked, answer } = stage();
    const one = subscriber();
    collector.subscribe(container('a'), one);
    await vi.advanceTimersByTimeAsync(0);
    expect(asked()).toEqual([1]);
    answer(1, 'first');
    for (let second = 0; second < 5; second++) {
      await vi.advanceTimersByTimeAsync(1000);
      expect(asked()).toEqual([1]);
      answer(1, String(second));
    }
    expect(one.seen).toEqual(['first', '0', '1', '2', '3', '4']);
  });

  it('takes one sample for all who subscribe to a container, and gives a late one the last at once', async () => {
    const { collector, found, asked, answer } = stage();
    const [early, too, late] = [subscriber(), subscriber(), subscriber()];
    collector.subscribe(container('a'), early);
    collector.subscribe(container('a'), too);
    await vi.advanceTimersByTimeAsync(0);
    expect(asked()).toEqual([1]);
    answer(1, 'first');
    await vi.advanceTimersByTimeAsync(500);
    collector.subscribe(container('a'), late);
    expect(late.seen).toEqual(['first']);
    await vi.advanceTimersByTimeAsync(500);
    expect(asked()).toEqual([1]);
    answer(1, 'second');
    for (const { seen } of [early, too, late]) expect(seen).toEqual(['first', 'second']);
    expect(found).toEqual(['a']);
  });

  it('does not ask again for a sample that is still to come', async () => {
    const { collector, asked, answer } = stage();
    collector.subscribe(container('slow'), subscriber());
    collector.subscribe(container('fast'), subscriber());
    await vi.advanceTimersByTimeAsync(0);
    expect(asked()).toEqual([1, 2]);
    answer(2, 'fast');
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked()).toEqual([2]);
    answer(1, 'slow at last');
    answer(2, 'fast');
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked()).toEqual([1, 2]);
  });

  it('keeps the time of many containers with one timer', async () => {
    const { collector, asked, answer } = stage();
    for (let n = 1; n <= 100; n++) {
      collector.subscribe(container(`c${n}`), subscriber());
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(vi.getTimerCount()).toBe(1);
    const counts = new Map<number, number>();
    for (let tenth = 0; tenth < 50; tenth++) {
      for (const key of asked()) {
        counts.set(key, (counts.get(key) ?? 0) + 1);
        answer(key, '');
      }
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(counts.size).toBe(100);
    for (const count of counts.values()) expect(count).toBeGreaterThanOrEqual(5);
    for (const count of counts.values()) expect(count).toBeLessThanOrEqual(6);
  });

  it('forgets a container with its last subscriber, and ends its thread and timer with the last of all', async () => {
    const { collector, thread, asked } = stage();
    const leave = [
      collector.subscribe(container('a'), subscriber()),
      collector.subscribe(container('a'), subscriber()),
      collector.subscribe(container('b'), subscriber()),
    ];
    await vi.advanceTimersByTimeAsync(0);
    asked();
    leave[0]?.();
    expect(thread().posted).toEqual([]);
    leave[1]?.();
    expect(thread().posted).toEqual([{ type: 'forget', key: 1 }]);
    expect(thread().ended).toBe(false);
    leave[2]?.();
    expect(thread().ended).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    for (const again of leave) again();
  });

  it('gives nobody a sample that comes after he has left', async () => {
    const { collector, asked, answer } = stage();
    const one = subscriber();
    collector.subscribe(container('other'), subscriber());
    const leave = collector.subscribe(container('a'), one);
    await vi.advanceTimersByTimeAsync(0);
    expect(asked()).toEqual([1, 2]);
    leave();
    answer(2, 'late');
    expect(one.seen).toEqual([]);
  });

  it('tells containers that had the same id apart', async () => {
    const { collector, asked } = stage();
    collector.subscribe(container('a', 1), subscriber());
    collector.subscribe(container('a', 2), subscriber());
    await vi.advanceTimersByTimeAsync(0);
    expect(asked()).toEqual([1, 2]);
  });

  it('asks for no sample of a container that is gone, nor of one that was left before it was found', async () => {
    const { collector, asked } = stage();
    collector.subscribe(container('gone'), subscriber());
    collector.subscribe(container('left'), subscriber())();
    await vi.advanceTimersByTimeAsync(3000);
    expect(asked()).toEqual([]);
  });

  it('tells who has subscribed where a container cannot be looked at, and nobody else', async () => {
    const { collector, thread, asked, answer } = stage();
    const [one, other] = [subscriber(), subscriber()];
    collector.subscribe(container('unseen'), one);
    collector.subscribe(container('a'), other);
    await vi.advanceTimersByTimeAsync(0);
    expect(one.failures).toEqual(['too many open files']);
    const [key = 0] = asked();
    answer(key, 'first');
    expect(other).toMatchObject({ seen: ['first'], failures: [] });
    expect(thread().ended).toBe(false);
  });

  it('tells who has subscribed where a sample cannot be taken, and takes one for who comes next', async () => {
    const { collector, thread, asked, answer } = stage();
    const [one, other, next] = [subscriber(), subscriber(), subscriber()];
    collector.subscribe(container('a'), one);
    collector.subscribe(container('b'), other);
    await vi.advanceTimersByTimeAsync(0);
    const [key = 0, otherKey = 0] = asked();
    thread().answer([{ key, stats: undefined, trouble: new Error('too many open files') }]);
    answer(otherKey, 'b');
    expect(one).toMatchObject({ seen: [], failures: ['too many open files'] });
    expect(other).toMatchObject({ seen: ['b'], failures: [] });
    collector.subscribe(container('a'), next);
    await vi.advanceTimersByTimeAsync(0);
    answer(asked()[0] ?? 0, 'again');
    expect(next.seen).toEqual(['again']);
  });

  it('finds a container the next time that somebody subscribes to it', async () => {
    const { collector, threads, found } = stage();
    collector.subscribe(container('unseen'), subscriber());
    await vi.advanceTimersByTimeAsync(0);
    expect(threads[0]?.ended).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    collector.subscribe(container('unseen'), subscriber());
    expect(found).toEqual(['unseen', 'unseen']);
  });

  it('tells everybody where the thread has failed, and starts another for who comes next', async () => {
    const { collector, threads, thread, asked } = stage();
    const [one, two] = [subscriber(), subscriber()];
    const leave = collector.subscribe(container('a'), one);
    collector.subscribe(container('b'), two);
    await vi.advanceTimersByTimeAsync(0);
    thread().fail();
    for (const { failures } of [one, two]) expect(failures).toEqual(['the thread broke']);
    expect(vi.getTimerCount()).toBe(0);
    collector.subscribe(container('a'), subscriber());
    leave();
    await vi.advanceTimersByTimeAsync(0);
    expect(threads).toHaveLength(2);
    expect(asked()).toHaveLength(1);
  });
});
