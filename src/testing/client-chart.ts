import { fromTransition } from 'xstate';
import { getShortestPaths, getSimplePaths } from 'xstate/graph';
import { INIT } from '../machines/messages.ts';
import { effectMoves, exitMoves } from './moves.ts';
import { requestOf } from './request.ts';
import {
  askedIn,
  CLIENT_STEPS,
  type ClientPath,
  type ClientStatus,
  type ClientStep,
  type HostStep,
  type Path,
} from './step.ts';
import type { World } from './world.ts';
import { System } from './world-system.ts';

/**
 * One container as its client sees it, made from the daemon's own charts: each step is something that the client asks
 * or that happens to the container, and has come to its end before the next.
 */

const ID = 'c';
const REQUEST = 'A0';

/** It remembers every step that its charts have taken, for all who walk them. */
const SYSTEM = new System({ concurrency: 1, clients: 1 });

/** The charts, stepped without anything real. */
export class PureContainer {
  readonly #system = SYSTEM;
  readonly first: World = this.#system.settleMessages(this.#system.first());

  status(world: World): ClientStatus {
    if (!(ID in world.containers)) return 'absent';
    const { path } = this.#system.charts.stateOf(world, { id: ID, process: '' });
    return path.startsWith('paused') ? 'paused' : path.startsWith('running') ? 'running' : 'absent';
  }

  /** The world once the step has come to its end. */
  step(world: World, step: HostStep): World {
    const asked = askedIn(step);
    if (asked !== undefined) return this.#ask(world, asked);
    // Another shim takes its place; and a frozen process does not end by itself.
    if (step === 'shim dies' || this.status(world) !== 'running') return world;
    return step === 'ends' ? this.#end(world) : this.#endExec(world);
  }

  #ask(world: World, { ask, failing }: NonNullable<ReturnType<typeof askedIn>>): World {
    const clients = [{ asked: { requestId: REQUEST, id: ID, cancelled: false }, turn: 0 as const }];
    let next = this.#system.settleMessages(
      this.#system.tell({ ...world, clients }, requestOf(ask, REQUEST, ID)),
    );
    const fault = effectMoves(this.#system, next).failed.find(({ effect }) => effect.src === failing);
    next = this.#settle(fault?.to() ?? next);
    if (next.wrong.length > 0) throw new Error(next.wrong.join('; '));
    // What KILL, or a checkpoint that ends it, does to its processes.
    const dies = this.status(next) === 'absent' || (ask === 'kill' && fault === undefined);
    return dies ? this.#end(next) : next;
  }

  #endExec(world: World): World {
    const move = exitMoves(this.#system, world).find(({ process }) => process !== INIT);
    return move === undefined ? world : this.#settle(move.to());
  }

  #end(from: World): World {
    let world = from;
    for (let [move] = exitMoves(this.#system, world); move !== undefined; ) {
      world = this.#settle(move.to());
      [move] = exitMoves(this.#system, world);
    }
    return world;
  }

  #settle(from: World): World {
    let world = this.#system.settleMessages(from);
    for (let [move] = effectMoves(this.#system, world).done; move !== undefined; ) {
      world = this.#system.settleMessages(move.to());
      [move] = effectMoves(this.#system, world).done;
    }
    return world;
  }
}

/** The chart as XState's graph functions walk it, worlds being alike that a client cannot tell apart. */
function walkable(steps: readonly ClientStep[]) {
  const container = new PureContainer();
  const logic = fromTransition(
    (world: World, { type }: { type: ClientStep }) => container.step(world, type),
    container.first,
  );
  const options = {
    events: steps.map((type) => ({ type })),
    serializeState: ({ context }: { context: World }) => container.status(context),
  };
  return { logic, options, container };
}

type Walked = {
  state: { context: World };
  steps: { event: { type: string }; state: { context: World } }[];
}[];

const pathsOf = (container: PureContainer, walked: Walked): ClientPath[] =>
  walked.map(({ steps }) =>
    steps
      .filter(({ event }) => event.type !== 'xstate.init')
      .map(({ event, state }) => ({
        step: event.type as ClientStep,
        status: container.status(state.context),
      })),
  );

/** The shortest path to each status. */
export function shortestPaths(steps: readonly ClientStep[] = CLIENT_STEPS): ClientPath[] {
  const { logic, options, container } = walkable(steps);
  return pathsOf(container, getShortestPaths(logic, options as never) as unknown as Walked);
}

/**
 * For each status and each step the shortest path to the status, and then the step: together they take each step wherever a
 * client can take it.
 */
export function stepPaths(steps: readonly ClientStep[] = CLIENT_STEPS): ClientPath[] {
  const { logic, options, container } = walkable(steps);
  const shortest = getShortestPaths(logic, options as never) as unknown as Walked;
  const ways = pathsOf(container, shortest);
  return shortest.flatMap(({ state: { context: world } }, n) =>
    steps.map((step) => [
      ...(ways[n] ?? []),
      { step, status: container.status(container.step(world, step)) },
    ]),
  );
}

/** Each path that comes to no status twice: none goes on from one that is absent again. */
export function simplePaths(steps: readonly ClientStep[] = CLIENT_STEPS): ClientPath[] {
  const { logic, options, container } = walkable(steps);
  return pathsOf(container, getSimplePaths(logic, options as never) as unknown as Walked);
}

/** Each sequence of so many steps: what is refused on the way leaves the container as it was. */
export function allPaths<Step extends HostStep = ClientStep>(
  length: number,
  steps: readonly Step[] = CLIENT_STEPS as readonly HostStep[] as readonly Step[],
): Path<Step>[] {
  const container = new PureContainer();
  type Walk = { path: Path<Step>; world: World };
  let walks: Walk[] = [{ path: [], world: container.first }];
  for (let n = 0; n < length; n += 1) {
    walks = walks.flatMap(({ path, world }) =>
      steps.map((step) => {
        const next = container.step(world, step);
        return { path: [...path, { step, status: container.status(next) }], world: next };
      }),
    );
  }
  return walks.map(({ path }) => path);
}
