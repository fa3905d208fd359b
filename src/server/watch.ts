import os from 'node:os';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { StatsCollector } from '../actors/stats.ts';
import type { ContainerView, System } from '../actors/system.ts';
import type { WatchedContainer, WatchRequest, WatchResponse } from '../generated/inspect.ts';
import { Stats } from '../generated/messages/api.ts';
import type { Recorder } from '../history/recorder.ts';
import { nanoseconds } from './moment.ts';
import { serviceErrorOf } from './status.ts';

const PERIOD_MS = 1000;
/** Of /proc/<pid>/stat, on every architecture that Node runs on (sysconf(3), _SC_CLK_TCK). */
const MS_PER_TICK = 10;

type Usage = Pick<WatchedContainer, 'cpu_ns' | 'memory_bytes' | 'sampled'>;
const UNKNOWN: Usage = { cpu_ns: 0n, memory_bytes: 0n, sampled: 0n };

type Options = {
  recorder: Pick<Recorder, 'container'>;
  system: Pick<System, 'list'>;
  stats: Pick<StatsCollector, 'subscribe'>;
};

/**
 * Streams the containers that a client can see, with what they use, at once and then each second, until the client goes
 * away. Samples are the collector's, which takes one a second of a container however many look on.
 */
export function watchContainers(
  call: ServerWritableStream<WatchRequest, WatchResponse>,
  { recorder, system, stats }: Options,
): void {
  const watched = new Map<string, { usage: Usage; leave: () => void }>();

  function watch({ id, processes }: ContainerView): Usage {
    const [init] = processes;
    const key = `${id} ${init?.pid} ${init?.startTime}`;
    const known = watched.get(key);
    if (known !== undefined) return known.usage;
    if (init === undefined) return UNKNOWN;
    const entry = { usage: UNKNOWN, leave: () => {} };
    watched.set(key, entry);
    entry.leave = stats.subscribe(
      { id, pid: init.pid, startTime: init.startTime },
      {
        onSample(bytes) {
          const { cgroup_stats } = Stats.decode(bytes);
          entry.usage = {
            cpu_ns: cgroup_stats?.cpu_stats?.cpu_usage?.total_usage ?? 0n,
            memory_bytes: cgroup_stats?.memory_stats?.usage?.usage ?? 0n,
            sampled: nanoseconds(Date.now()),
          };
        },
        onFailed: (error) => void call.emit('error', serviceErrorOf(error)),
      },
    );
    return entry.usage;
  }

  function tell(): void {
    const bootMs = Date.now() - os.uptime() * 1000;
    const listed = new Set<string>();
    const containers = system.list().map((view): WatchedContainer => {
      const [init] = view.processes;
      listed.add(`${view.id} ${init?.pid} ${init?.startTime}`);
      const actor = recorder.container(view.id);
      const ticks = Number(init?.startTime ?? 0);
      return {
        id: view.id,
        state: actor?.state ?? view.status,
        state_since: nanoseconds(actor?.sinceMs ?? 0),
        started: ticks === 0 ? 0n : nanoseconds(bootMs + ticks * MS_PER_TICK),
        pid: init?.pid ?? 0,
        ...watch(view),
      };
    });
    for (const [key, { leave }] of watched) {
      if (listed.has(key)) continue;
      leave();
      watched.delete(key);
    }
    if (call.writableLength === 0) call.write({ containers, timestamp: nanoseconds(Date.now()) });
  }

  const timer = setInterval(tell, PERIOD_MS);
  const leave = () => {
    clearInterval(timer);
    for (const { leave } of watched.values()) leave();
    watched.clear();
  };
  call.on('cancelled', leave);
  call.on('close', leave);
  call.on('error', leave);
  tell();
}
