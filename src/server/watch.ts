import os from 'node:os';
import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import type { ContainerView } from '../actors/listed.ts';
import type { StatsCollector } from '../actors/stats.ts';
import type { System } from '../actors/system.ts';
import {
  type InspectServer,
  InspectService,
  type WatchedContainer,
  type WatchRequest,
  WatchResponse,
} from '../generated/inspect.ts';
import { Stats } from '../generated/messages/api.ts';
import type { Recorder } from '../history/recorder.ts';
import { asEncoded } from './encoded.ts';
import { nanoseconds } from './moment.ts';

/** The service, but that what watchers are told passes as it is. */
export const inspectService = {
  ...InspectService,
  watch: { ...InspectService.watch, responseSerialize: asEncoded },
};
export type InspectHandlers = {
  [Method in keyof typeof InspectService]: Method extends 'watch'
    ? handleServerStreamingCall<WatchRequest, Uint8Array>
    : InspectServer[Method];
};

export type WatchCall = ServerWritableStream<WatchRequest, Uint8Array>;

const PERIOD_MS = 1000;
/** Of /proc/<pid>/stat, on every architecture that Node runs on (sysconf(3), _SC_CLK_TCK). */
const MS_PER_TICK = 10;

type Usage = Pick<WatchedContainer, 'cpu_ns' | 'memory_bytes' | 'sampled'>;
const UNKNOWN: Usage = { cpu_ns: 0n, memory_bytes: 0n, sampled: 0n };

/** Of a container's own time: its id may be used again. */
const keyOf = ({ id, processes: [init] }: ContainerView): string => `${id} ${init?.pid} ${init?.startTime}`;

export type WatchOptions = {
  recorder: Pick<Recorder, 'container'>;
  system: Pick<System, 'list'>;
  stats: Pick<StatsCollector, 'subscribe'>;
};

/**
 * Streams to each call the containers that a client can see, with what they use: at once and then each second, until
 * it goes away. It is looked at once a second however many look on, and not at all where nobody does; a client that
 * has not read what it was told last misses what there is now. Samples are the collector's.
 */
export function createWatch({ recorder, system, stats }: WatchOptions): (call: WatchCall) => void {
  const calls = new Set<WatchCall>();
  const used = new Map<string, { usage: Usage; leave: () => void }>();
  let timer: NodeJS.Timeout | undefined;

  /** Has samples taken of those that none are taken of; where that cannot be, as without a thread, at the next look. */
  function sample(listed: ReadonlyMap<string, ContainerView>): void {
    try {
      for (const [key, view] of listed) if (!used.has(key)) subscribe(key, view);
    } catch {
      // They are told of without what they use: who asks for the samples of one hears why there are none.
    }
  }

  function subscribe(key: string, { id, processes: [init] }: ContainerView): void {
    if (init === undefined) return;
    const entry = { usage: UNKNOWN, leave: () => {} };
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
        onFailed: () => void used.delete(key),
      },
    );
    used.set(key, entry);
  }

  function look(): Uint8Array {
    const bootMs = Date.now() - os.uptime() * 1000;
    const listed = new Map(system.list().map((view) => [keyOf(view), view]));
    forget((key) => !listed.has(key));
    sample(listed);
    const containers = Array.from(listed, ([key, view]): WatchedContainer => {
      const [init] = view.processes;
      const actor = recorder.container(view.id);
      const ticks = Number(init?.startTime ?? 0);
      return {
        id: view.id,
        state: actor?.state ?? view.status,
        state_since: nanoseconds(actor?.sinceMs ?? 0),
        started: ticks === 0 ? 0n : nanoseconds(Math.max(0, bootMs + ticks * MS_PER_TICK)),
        pid: init?.pid ?? 0,
        ...(used.get(key)?.usage ?? UNKNOWN),
      };
    });
    return WatchResponse.encode({ containers, timestamp: nanoseconds(Date.now()) }).finish();
  }

  function forget(isGone: (key: string) => boolean): void {
    for (const [key, { leave }] of used) {
      if (!isGone(key)) continue;
      leave();
      used.delete(key);
    }
  }

  function tell(): void {
    const now = look();
    for (const call of calls) if (call.writableLength === 0) call.write(now);
  }

  return (call) => {
    const leave = () => {
      if (!calls.delete(call) || calls.size > 0) return;
      clearInterval(timer);
      forget(() => true);
    };
    call.on('cancelled', leave);
    call.on('close', leave);
    call.on('error', leave);
    calls.add(call);
    if (calls.size === 1) timer = setInterval(tell, PERIOD_MS);
    call.write(look());
  };
}
