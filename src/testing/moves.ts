import { OOM_WATCH } from '../machines/container-actions.ts';
import { NOTHING_RESTORED } from './next-daemon.ts';
import { type Ask, requestOf } from './request.ts';
import {
  type Address,
  type Effect,
  exitOf,
  NO_OOM_KILLS,
  pidOf,
  type World,
  withContainer,
  without,
} from './world.ts';
import { heardOfOom, oomKill, withoutVictim } from './world-oom.ts';
import type { System } from './world-system.ts';

/** What may happen next in a world, and the world after it. */
export type Move = { name: string; to: () => World };

export type MoveOptions = {
  /** Ids that clients ask for. */
  ids: readonly string[];
  /** What they ask of containers that exist. */
  asks: readonly Ask[];
  /** How often the daemon may be told to end. */
  stops: number;
  /** Whether time passes: what a chart does after a while may come at any moment. */
  clocks: boolean;
  /** How many processes the kernel may kill for want of memory. */
  oomKills: number;
};

const nameOf = ({ id, process }: Address): string => [id, process].filter(Boolean).join('/') || 'supervisor';

/** What a client may do: ask for something, or no longer wait for the answer. */
function clientMoves(system: System, world: World, { ids, asks }: MoveOptions): Move[] {
  // Containers that do not exist are all alike: one of them is asked for.
  const absent = ids.find((id) => !(id in world.containers));
  const present = ids.filter((id) => id in world.containers);
  return world.clients.flatMap(({ asked, turn }, at): Move[] => {
    const client = 'AB'[at] ?? String(at);
    const become = (next: (typeof world.clients)[number]): World => ({
      ...world,
      clients: world.clients.map((it, n) => (n === at ? next : it)),
    });
    if (asked?.cancelled) return [];
    if (asked !== null) {
      const { id, requestId } = asked;
      const cancelled = become({ asked: { ...asked, cancelled: true }, turn });
      const to = () => system.tell(cancelled, { type: 'cancel', id, requestId } as never);
      return [{ name: `${client} goes away from what it asked of ${id}`, to }];
    }
    const requestId = `${client}${turn}`;
    const asking = (ask: Ask | 'create', id: string): Move => ({
      name: `${client} asks for ${ask} of ${id}`,
      to: () => {
        const next = become({ asked: { requestId, id, cancelled: false }, turn: turn === 0 ? 1 : 0 });
        return system.tell(next, requestOf(ask, requestId, id));
      },
    });
    return [
      ...(absent === undefined ? [] : [asking('create', absent), asking('kill', absent)]),
      ...present.flatMap((id) => [asking('create', id), ...asks.map((ask) => asking(ask, id))]),
    ];
  });
}

/** What becomes of the freezer by an effect that is done. */
const FREEZES: Record<string, boolean> = { pause: true, resume: false, killFrozen: false };

/** An effect comes to its end, or a process. */
export type EffectMove = Move & { effect: Effect };
export type ExitMove = Move & { process: string };

/** How an effect may end. A launch whose process has been there cannot fail, and the supervisor's own do not. */
export function effectMoves(system: System, world: World): { done: EffectMove[]; failed: EffectMove[] } {
  const kernelOf = ({ of }: Effect) => world.containers[of.id]?.kernel[of.process];
  const withKernel = ({ src, of: { id, process } }: Effect, isDone: boolean): World => {
    const { kernel = {}, frozen = false } = world.containers[id] ?? {};
    if (src in FREEZES) return withContainer(world, id, { frozen: isDone ? FREEZES[src] === true : frozen });
    if (src !== 'launch' || kernel[process] === 'dead') return world;
    return withContainer(world, id, {
      kernel: isDone ? { ...kernel, [process]: 'alive' } : without(kernel, process),
    });
  };
  const waits = world.clients.some(({ asked }) => asked !== null);
  const effects = world.effects.filter(({ src }) => src !== OOM_WATCH && !(src === 'answerAll' && waits));
  const outputOf = ({ src, of: { id, process } }: Effect): unknown => {
    if (src === 'restore') return NOTHING_RESTORED;
    if (src === 'launch') return { pid: pidOf(process), startTime: '1' };
    return src === 'countOomKills' ? world.containers[id]?.oom.kills : undefined;
  };
  const done = effects.map((effect) => {
    const output = outputOf(effect);
    return {
      effect,
      name: `${effect.src} of ${nameOf(effect.of)} is done`,
      to: () => system.finish(withKernel(effect, true), effect, { output }),
    };
  });
  const failed = effects
    .filter(({ of }) => of.id !== '')
    .filter((effect) => effect.src !== 'launch' || kernelOf(effect) !== 'dead')
    .map((effect) => ({
      effect,
      name: `${effect.src} of ${nameOf(effect.of)} fails`,
      to: () => {
        const { id, process } = effect.of;
        const next =
          effect.src === 'countOomKills' ? withoutVictim(world, id, process) : withKernel(effect, false);
        return system.finish(next, effect, { error: new Error('it fails') });
      },
    }));
  return { done, failed };
}

/** The processes that there are: before it was launched nothing can end, and its launch is in flight from the first message on. */
const endingIn = (world: World): Address[] =>
  Object.entries(world.containers).flatMap(([id, { kernel }]) =>
    Object.entries(kernel).flatMap(([process, how]) => (how === 'dead' ? [] : { id, process })),
  );

function afterExit(system: System, world: World, { id, process }: Address): World {
  const kernel = { ...world.containers[id]?.kernel, [process]: 'dead' as const };
  return system.tell(withContainer(world, id, { kernel }), exitOf({ id, process }));
}

/** Each process that is there may end. */
export const exitMoves = (system: System, world: World): ExitMove[] =>
  endingIn(world).map((it) => ({
    process: it.process,
    name: `${nameOf(it)} ends`,
    to: () => afterExit(system, world, it),
  }));

/** The kernel may kill a process for want of memory, and whoever watches hears of it sooner or later. */
const oomMoves = (system: System, world: World, oomKills: number): Move[] => [
  ...(world.oomKills >= oomKills ? [] : endingIn(world)).map((it) => ({
    name: `${nameOf(it)} is killed for want of memory`,
    to: () => afterExit(system, oomKill(world, it.id, it.process), it),
  })),
  ...world.effects
    .filter(({ src, of: { id } }) => src === OOM_WATCH && isUnheard(world, id))
    .map(({ of: { id } }) => ({
      name: `${id} is told of OOM kills`,
      to: () => {
        const { kills = 0 } = world.containers[id]?.oom ?? {};
        return system.tellContainer(heardOfOom(world, id), id, { type: 'oom', kills } as never);
      },
    })),
];

const isUnheard = ({ containers }: World, id: string): boolean => {
  const { kills, heard } = containers[id]?.oom ?? NO_OOM_KILLS;
  return kills > heard;
};

/** What a chart waits for may have been waited for. */
const clockMoves = (system: System, world: World): Move[] =>
  system.charts.timers(world).map((timer) => ({
    name: `the ${timer.name} of ${nameOf(timer.of)} is over`,
    to: () => system.ring(world, timer),
  }));

/** Where a daemon has left containers another may start, which waits for the runcs that are at work on them, but for starts. */
export const nextDaemonMoves = (system: System, world: World): Move[] => {
  const isAtWork = world.effects.some(({ src }) => src !== 'launch');
  const isLeft = world.ended && Object.keys(world.containers).length > 0;
  if (!isLeft || isAtWork || system.options.onStop !== 'leave') return [];
  return [{ name: 'the next daemon starts', to: () => system.restart(world) }];
};

/** Everything that may happen, but for messages that are in flight. */
export function movesIn(system: System, world: World, options: MoveOptions): Move[] {
  const { done, failed } = effectMoves(system, world);
  const byTheKernel = [
    ...done,
    ...failed,
    ...exitMoves(system, world),
    ...oomMoves(system, world, options.oomKills),
  ];
  if (world.ended) return [...byTheKernel, ...nextDaemonMoves(system, world)];
  const stop: Move = {
    name: 'the daemon is told to end',
    to: () => system.tell({ ...world, stops: world.stops + 1 }, { type: 'stop' }),
  };
  return [
    ...clientMoves(system, world, options),
    ...byTheKernel,
    ...(options.clocks ? clockMoves(system, world) : []),
    ...(world.stops < options.stops ? [stop] : []),
  ];
}
