import type { OnStop } from '../machines/supervisor-model.ts';
import { effectMoves, exitMoves, type Move, type MoveOptions, movesIn, nextDaemonMoves } from './moves.ts';
import { NO_STATE, type World, wrong } from './world.ts';
import type { Machines } from './world-charts.ts';
import { System } from './world-system.ts';

/**
 * Everything that can happen to a daemon up to a number of moves, tried: the supervisor with some containers and
 * clients, effects that end well or badly at any time, processes that end at any time. Worlds that are alike are
 * looked at once, and from each of them the system is led to its end as well.
 */

export type ExploreOptions = {
  /** How many moves at the most. */
  depth: number;
  /** How many ids are asked for. */
  containers: number;
  clients: number;
  concurrency: number;
  asks: MoveOptions['asks'];
  /** How often the daemon may be told to end. */
  stops: number;
  /** Whether the containers end with the daemon, or are left to the next one. */
  onStop: OnStop;
  /** Whether time passes. */
  clocks: boolean;
  /** How many processes the kernel may kill for want of memory; with none, nobody watches for it. */
  oomKills: number;
  /** Messages between actors come at once, as their mailboxes have it, or at any time and in the order of their sender. */
  delivery: 'prompt' | 'any';
  /** Where it begins, as the names of moves from a daemon that has done nothing yet: from each of them it goes on. */
  beginnings: string[][];
  machines?: Machines;
};

/** Two containers run, one of them with an exec, and a third waits for the client that is to ask for it. */
const BUSY = [
  'A asks for create of c1',
  'B asks for create of c2',
  'launch of c1/init is done',
  'launch of c2/init is done',
  'A asks for exec of c1',
  'launch of c1/exec-1 is done',
];

/** The same, but a daemon that leaves them has gone while it paused one of them and started the third. */
const LEFT = [
  ...BUSY,
  'A asks for pause of c2',
  'B asks for create of c3',
  'the daemon is told to end',
  'the daemon is told to end',
];

export const EXPLORED: ExploreOptions = {
  depth: 4,
  containers: 3,
  clients: 2,
  concurrency: 2,
  asks: ['pause', 'resume', 'kill', 'exec', 'checkpoint', 'deleteCheckpoint'],
  stops: 2,
  onStop: 'end',
  clocks: true,
  oomKills: 0,
  delivery: 'prompt',
  beginnings: [[], BUSY],
};

/** A daemon that leaves its containers to the next one, which may do so again. */
export const LEAVING: ExploreOptions = {
  ...EXPLORED,
  onStop: 'leave',
  stops: 4,
  beginnings: [...EXPLORED.beginnings, LEFT],
};

/** What was found wrong, and the fewest moves that lead there from a beginning. */
export type Finding = { what: string; trace: string[] };
export type Explored = {
  /** How many different worlds there are within the depth, and how many moves lead to them. */
  worlds: number;
  moves: number;
  /** The depth at which there was nothing new any more, or at which it was left off. */
  depth: number;
  finding: Finding | undefined;
};

type Node = { move: string; from: Node | undefined; world: World };

const traceOf = (node: Node | undefined): string[] =>
  node?.from === undefined ? [] : [...traceOf(node.from), node.move];

/** More than this many steps from anywhere to the end are a circle. */
const MAX_STEPS_TO_END = 1_000;

class Explorer {
  readonly #system: System;
  readonly #moves: MoveOptions;
  /** Worlds that are known to come to their end. */
  readonly #ending = new Set<string>();

  constructor(readonly options: ExploreOptions) {
    this.#system = new System({ ...options, oom: options.oomKills > 0 }, options.machines);
    const ids = Array.from({ length: options.containers }, (_, n) => `c${n + 1}`);
    const { asks, stops, clocks, oomKills } = options;
    this.#moves = { ids, asks, stops, clocks, oomKills };
  }

  explore(): Explored {
    let frontier = this.options.beginnings.map((names) => this.#begin(names));
    const seen = new Set(frontier.map(({ world }) => this.#system.charts.keyOf(world)));
    let moves = 0;
    for (let depth = 0; ; depth++) {
      const next: Node[] = [];
      for (const node of frontier) {
        const finding = this.#wrongIn(node);
        if (finding !== undefined) return { worlds: seen.size, moves, depth, finding };
        if (depth === this.options.depth) continue;
        for (const move of this.#movesFrom(node.world)) {
          moves++;
          const world = this.#after(node.world, move);
          const key = this.#system.charts.keyOf(world);
          if (seen.has(key) && world.wrong.length === 0) continue;
          seen.add(key);
          next.push({ move: move.name, from: node, world });
        }
      }
      if (next.length === 0) return { worlds: seen.size, moves, depth, finding: undefined };
      frontier = next;
    }
  }

  #begin(names: string[]): Node {
    let node: Node = { move: '', from: undefined, world: this.#system.settleMessages(this.#system.first()) };
    for (const name of names) {
      const move = movesIn(this.#system, node.world, this.#moves).find((it) => it.name === name);
      if (move === undefined) throw new Error(`it cannot be that ${name}`);
      node = { move: name, from: node, world: this.#system.settleMessages(move.to()) };
    }
    return node;
  }

  #after(before: World, move: Move): World {
    return this.#moved(before, move, this.options.delivery === 'prompt');
  }

  /** A chart that throws is wrong, by the way that led to it. */
  #moved(before: World, move: Move, settles: boolean): World {
    try {
      const world = move.to();
      return settles ? this.#system.settleMessages(world) : world;
    } catch (error) {
      return wrong(before, `a chart fails: ${error instanceof Error ? error.message : error}`);
    }
  }

  #movesFrom(world: World): Move[] {
    const channels = new Map<string, number>();
    world.flight.forEach(({ from, to }, at) => {
      const channel = `${from.id}/${from.process} to ${to.id}/${to.process}`;
      if (!channels.has(channel)) channels.set(channel, at);
    });
    const deliveries = [...channels].map(([channel, at]) => ({
      name: `the next message from ${channel} comes`,
      to: () => this.#system.deliver(world, at),
    }));
    return [...deliveries, ...movesIn(this.#system, world, this.#moves)];
  }

  #wrongIn(node: Node): Finding | undefined {
    const { world } = node;
    const trace = traceOf(node);
    const [first] = world.wrong;
    if (first !== undefined) return { what: first, trace };
    const launching = Object.entries(world.containers)
      .filter(([, { state }]) => state !== NO_STATE)
      .map(([id]) => id)
      .filter((id) =>
        this.#system.charts.stateOf(world, { id, process: '' }).path.startsWith('created.launching'),
      );
    if (launching.length > this.options.concurrency) {
      return { what: `${launching.join(', ')} hold a slot at once`, trace };
    }
    return this.#wrongAtEnd(world, trace);
  }

  /** Ends all that is under way, which leaves nobody waiting, then the processes, which leaves nothing. */
  #wrongAtEnd(from: World, trace: string[]): Finding | undefined {
    const passed: string[] = [];
    const steps = [...trace];
    let world = this.#system.settleMessages(from);
    for (let n = 0; n < MAX_STEPS_TO_END; n++) {
      const [first] = world.wrong;
      if (first !== undefined) return { what: first, trace: steps };
      const key = this.#system.charts.keyOf(world);
      if (this.#ending.has(key)) break;
      passed.push(key);
      const [effect] = effectMoves(this.#system, world).done;
      const waiting = waitingIn(world);
      // Where messages may come late, a signal may miss its process; the end of the container answers it then.
      if (this.options.delivery === 'prompt' && effect === undefined && waiting !== undefined) {
        return { what: `${waiting} is not answered, though nothing is under way`, trace: steps };
      }
      const [next] = [...nextDaemonMoves(this.#system, world), ...exitMoves(this.#system, world)];
      const move = effect ?? next;
      if (move === undefined) {
        const what = leftOver(world);
        if (what !== undefined) return { what, trace: steps };
        break;
      }
      steps.push(move.name);
      world = this.#moved(world, move, true);
      if (n === MAX_STEPS_TO_END - 1) return { what: 'it comes to no end', trace: steps };
    }
    for (const key of passed) this.#ending.add(key);
    return undefined;
  }
}

const waitingIn = ({ clients }: World): string | undefined =>
  clients.find(({ asked }) => asked !== null)?.asked?.requestId;

function leftOver(world: World): string | undefined {
  const [container] = Object.keys(world.containers);
  const [exit] = world.owed;
  const waiting = waitingIn(world);
  if (waiting !== undefined) return `${waiting} is never answered`;
  if (container !== undefined) return `${container} is never deleted`;
  return exit === undefined ? undefined : `nobody is told that ${exit} has ended`;
}

/** Explores; stops at the first thing that is wrong, to which no shorter way leads. */
export const explore = (options: ExploreOptions): Explored => new Explorer(options).explore();
