import { readdir } from 'node:fs/promises';
import type { EventHub } from '../actors/event-hub.ts';
import type { System } from '../actors/system.ts';
import type { Reading } from './reading.ts';
import type { Timer } from './timer.ts';

/** Who knows what the daemon's metrics show. */
export type Sources = {
  starts: Timer;
  startCount: { readonly count: number };
  system: Pick<System, 'list' | 'countActors'>;
  hub: Pick<EventHub, 'countEvents' | 'countSubscribers'>;
};

/**
 * The metrics of the daemon, in the original's order. `actors` is in the place of its `goroutines`. Descriptors that
 * cannot be counted, because there is none left to count them with, are left out.
 */
export async function readMetrics({ starts, startCount, system, hub }: Sources): Promise<Reading[]> {
  const descriptors = await readdir('/proc/self/fd').catch(() => undefined);
  return [
    { kind: 'timer', name: 'container-start-time', ...starts.read(), count: startCount.count },
    { kind: 'counter', name: 'containers', count: system.list().length },
    { kind: 'counter', name: 'events', count: hub.countEvents() },
    { kind: 'counter', name: 'events-subscribers', count: hub.countSubscribers() },
    { kind: 'gauge', name: 'actors', value: system.countActors() },
    // One of them is the folder's own, which is closed again.
    ...(descriptors === undefined
      ? []
      : [{ kind: 'gauge', name: 'fds', value: descriptors.length - 1 } as const]),
  ];
}
