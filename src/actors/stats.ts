import type { Subject } from '../cgroup/sampler.ts';
import type { Sampled, ToThread } from '../cgroup/thread-messages.ts';

/** The thread that takes samples; it is started for the first subscriber, and ended with the last. */
export type SamplingThread = { post(message: ToThread): void; end(): void };

export type StatsOptions = {
  /** Starts the thread; `onFailed` is called once if it ends by itself. */
  startThread: (onSampled: (sampled: Sampled[]) => void, onFailed: (error: Error) => void) => SamplingThread;
  /** Where a container's numbers are, undefined where it is gone; rejects where that cannot be looked at. */
  find: (container: StatsContainer) => Promise<Subject | undefined>;
};

/** Which container, by its init, as an id may be used again. */
export type StatsContainer = { id: string; pid: number; startTime: string };

export type StatsSubscriber = {
  /** `Stats` of api.proto, encoded. */
  onSample: (stats: Uint8Array) => void;
  onFailed: (error: Error) => void;
};

/** Takes one sample a second of each container that anybody subscribes to, however many do. */
export type StatsCollector = {
  /** Gives a sample as soon as there is one, then one each second; returns how to end that. */
  subscribe(container: StatsContainer, subscriber: StatsSubscriber): () => void;
  close(): void;
};

/** A second is divided, so that the samples of many containers do not all come at once. */
const SLOTS = 10;
const SLOT_MS = 100;

type Watch = {
  key: number;
  name: string;
  subscribers: Set<StatsSubscriber>;
  slot: Set<Watch>;
  /** The last sample, for who comes in between. */
  last: Uint8Array | undefined;
  /** What it waits for: to be found, for an answer of the thread, or for its time. */
  waitsFor: 'subject' | 'sample' | 'time';
};

export function createStatsCollector({ startThread, find }: StatsOptions): StatsCollector {
  const byName = new Map<string, Watch>();
  const byKey = new Map<number, Watch>();
  const slots = Array.from({ length: SLOTS }, () => new Set<Watch>());
  let keys = 0;
  let running: { thread: SamplingThread; timer: NodeJS.Timeout; nextMs: number } | undefined;

  /** Asks for samples; a container whose last one is still to come is passed over, so that nothing piles up. */
  function ask(watches: Iterable<Watch>): void {
    const due = [...watches].filter(({ waitsFor }) => waitsFor === 'time');
    if (due.length === 0) return;
    for (const watch of due) watch.waitsFor = 'sample';
    running?.thread.post({ type: 'sample', keys: due.map(({ key }) => key) });
  }
  function tick(): void {
    if (running === undefined) return;
    const nowMs = performance.now();
    for (; running.nextMs <= nowMs; running.nextMs += SLOT_MS) ask(slots[slotAt(running.nextMs)] ?? []);
    running.timer = setTimeout(tick, Math.ceil(running.nextMs - nowMs));
  }
  const slotAt = (ms: number): number => Math.floor(ms / SLOT_MS) % SLOTS;

  function start(): void {
    const nextMs = (Math.floor(performance.now() / SLOT_MS) + 1) * SLOT_MS;
    const thread = startThread(onSampled, (error) => giveUp([...byKey.values()], error));
    running = { thread, timer: setTimeout(tick, nextMs - performance.now()), nextMs };
  }
  function stop(): void {
    clearTimeout(running?.timer);
    running?.thread.end();
    running = undefined;
  }

  function onSampled(sampled: Sampled[]): void {
    for (const { key, stats, trouble } of sampled) {
      const watch = byKey.get(key);
      if (watch === undefined) continue;
      if (trouble !== undefined) {
        giveUp([watch], trouble);
        continue;
      }
      watch.waitsFor = 'time';
      if (stats === undefined) continue;
      watch.last = stats;
      for (const { onSample } of [...watch.subscribers]) onSample(stats);
    }
  }
  /** Who subscribes next begins anew. */
  function giveUp(watches: readonly Watch[], error: Error): void {
    const subscribers = watches.flatMap((watch) => [...watch.subscribers]);
    watches.forEach(forget);
    for (const { onFailed } of subscribers) onFailed(error);
  }

  function watchOf(container: StatsContainer): Watch {
    const name = `${container.id} ${container.pid} ${container.startTime}`;
    const known = byName.get(name);
    if (known !== undefined) return known;
    if (running === undefined) start();
    const slot = slots[slotAt(performance.now())] ?? new Set();
    const watch: Watch = {
      key: ++keys,
      name,
      subscribers: new Set(),
      slot,
      last: undefined,
      waitsFor: 'subject',
    };
    byName.set(name, watch);
    byKey.set(watch.key, watch);
    slot.add(watch);
    find(container).then(
      (subject) => {
        // Nobody may be left by now; and one that is gone has no more samples.
        if (subject === undefined || !byKey.has(watch.key)) return;
        running?.thread.post({ type: 'watch', key: watch.key, subject });
        watch.waitsFor = 'time';
        ask([watch]);
      },
      (error: Error) => giveUp([watch], error),
    );
    return watch;
  }
  function forget(watch: Watch): void {
    if (!byKey.delete(watch.key)) return;
    byName.delete(watch.name);
    watch.slot.delete(watch);
    watch.subscribers.clear();
    if (byKey.size === 0) stop();
    else running?.thread.post({ type: 'forget', key: watch.key });
  }

  return {
    subscribe(container, subscriber) {
      const watch = watchOf(container);
      watch.subscribers.add(subscriber);
      if (watch.last !== undefined) subscriber.onSample(watch.last);
      return () => {
        watch.subscribers.delete(subscriber);
        if (watch.subscribers.size === 0) forget(watch);
      };
    },
    close() {
      for (const watch of [...byKey.values()]) forget(watch);
    },
  };
}
