import { INIT, type Request } from '../machines/messages.ts';
import { type Address, type Effect, pidOf, type World } from './world.ts';
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
};

export type Ask = 'pause' | 'resume' | 'kill' | 'exec' | 'checkpoint' | 'deleteCheckpoint';

const STDIO = { stdin: '', stdout: '', stderr: '', console: '' };
const SPEC = {
  terminal: false,
  user: { uid: 0, gid: 0, additionalGids: [] },
  args: [],
  env: [],
  cwd: '/',
};

/** The event that a client's wish is. */
export function requestOf(ask: Ask | 'create', requestId: string, id: string): Request {
  switch (ask) {
    case 'create':
      return {
        type: 'create',
        requestId,
        id,
        bundlePath: '/bundle',
        stdio: STDIO,
        spec: SPEC,
        inherited: { process: {}, path: '' },
        checkpoint: '',
      };
    case 'pause':
      return { type: 'update', requestId, id, status: 'paused', signal: 0 };
    case 'resume':
      return { type: 'update', requestId, id, status: 'running', signal: 0 };
    case 'kill':
      return { type: 'signal', requestId, id, pid: 0, signal: 9 };
    case 'exec':
      return { type: 'exec', requestId, id, spec: SPEC, stdio: STDIO };
    case 'checkpoint': {
      const checkpoint = { name: 'one', exit: true, tcp: false, unixSockets: false, shell: false };
      return { type: 'checkpoint', requestId, id, checkpoint };
    }
    case 'deleteCheckpoint':
      return { type: 'deleteCheckpoint', requestId, id, name: 'one' };
  }
}

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

/** An effect comes to its end, or a process. */
export type EffectMove = Move & { effect: Effect };
export type ExitMove = Move & { process: string };

/** How an effect may end. A launch whose process has been there cannot fail, and the supervisor's own do not. */
export function effectMoves(system: System, world: World): { done: EffectMove[]; failed: EffectMove[] } {
  const kernelOf = ({ of }: Effect) => world.containers[of.id]?.kernel[of.process];
  const withKernel = (effect: Effect, how: 'alive' | undefined): World => {
    const { id, process } = effect.of;
    const container = world.containers[id];
    if (effect.src !== 'launch' || container === undefined || kernelOf(effect) === 'dead') return world;
    const { [process]: _, ...others } = container.kernel;
    const kernel = how === undefined ? others : { ...others, [process]: how };
    return { ...world, containers: { ...world.containers, [id]: { ...container, kernel } } };
  };
  const done = world.effects.map((effect) => {
    const output = effect.src === 'launch' ? { pid: pidOf(effect.of.process), startTime: '1' } : undefined;
    return {
      effect,
      name: `${effect.src} of ${nameOf(effect.of)} is done`,
      to: () => system.finish(withKernel(effect, 'alive'), effect, { output }),
    };
  });
  const failed = world.effects
    .filter((effect) => effect.src !== 'launch' || kernelOf(effect) !== 'dead')
    .map((effect) => ({
      effect,
      name: `${effect.src} of ${nameOf(effect.of)} fails`,
      to: () => system.finish(withKernel(effect, undefined), effect, { error: new Error('it fails') }),
    }));
  return { done, failed };
}

/** Each process that is there may end. */
export const exitMoves = (system: System, world: World): ExitMove[] =>
  Object.entries(world.containers).flatMap(([id, container]) =>
    Object.entries(container.kernel)
      // Before it was launched nothing can end; its launch is in flight from the first message on.
      .filter(([, how]) => how !== 'dead')
      .map(([process]) => ({
        process,
        name: `${id}/${process} ends`,
        to: () => {
          const kernel = { ...container.kernel, [process]: 'dead' as const };
          const next = { ...world, containers: { ...world.containers, [id]: { ...container, kernel } } };
          const exit = { status: process === INIT ? 137 : 0, unixNs: '1' };
          return system.tell(next, {
            type: 'shim.exited',
            id,
            process,
            pid: pidOf(process),
            ...exit,
          } as never);
        },
      })),
  );

/** What a chart waits for may have been waited for. */
const clockMoves = (system: System, world: World): Move[] =>
  system.timers(world).map((timer) => ({
    name: `the ${timer.name} of ${nameOf(timer.of)} is over`,
    to: () => system.ring(world, timer),
  }));

/** Everything that may happen, but for messages that are in flight. */
export function movesIn(system: System, world: World, options: MoveOptions): Move[] {
  if (world.ended) return [];
  const stop: Move = {
    name: 'the daemon is told to end',
    to: () => system.tell({ ...world, stops: world.stops + 1 }, { type: 'stop' }),
  };
  const { done, failed } = effectMoves(system, world);
  return [
    ...clientMoves(system, world, options),
    ...done,
    ...failed,
    ...exitMoves(system, world),
    ...(options.clocks ? clockMoves(system, world) : []),
    ...(world.stops < options.stops ? [stop] : []),
  ];
}
