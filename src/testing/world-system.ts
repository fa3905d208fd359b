import type { EventObject } from 'xstate';
import type { Adopted } from '../machines/adopt.ts';
import { OOM_WATCH } from '../machines/container-actions.ts';
import type { Notice, Reply } from '../machines/messages.ts';
import type { OnStop, Restored } from '../machines/supervisor-model.ts';
import type { LocalStep, Timer } from './local-states.ts';
import { adoptedIn, exitsKept, leftBehind, NOTHING_RESTORED } from './next-daemon.ts';
import { PARENT } from './pure-chart.ts';
import {
  type Address,
  type Client,
  type Container,
  type Effect,
  type Message,
  NO_OOM_KILLS,
  NO_STATE,
  type World,
  withContainer,
  without,
  wrong,
} from './world.ts';
import { DAEMON_MACHINES, type Machines, WorldCharts } from './world-charts.ts';
import { abandon, forget, reply, tellAll, withoutExecs } from './world-told.ts';

const NEW: Container = { state: NO_STATE, processes: {}, kernel: {}, frozen: false, oom: NO_OOM_KILLS };
const SUPERVISOR: Address = { id: '', process: '' };
const isAt = (a: Address, b: Address): boolean => a.id === b.id && a.process === b.process;

export type SystemOptions = {
  concurrency: number;
  clients: number;
  /** Whether subscribers are told of OOM kills. */
  oom?: boolean;
  /** What becomes of the containers when the daemon is told to end; they end with it unless said otherwise. */
  onStop?: OnStop;
};

/** The charts that worlds are made of, and how worlds follow from each other. */
export class System {
  readonly charts: WorldCharts;
  /** The containers of the world that is being stepped, for the guard that asks. */
  #present: Record<string, Container> = {};

  constructor(
    readonly options: SystemOptions,
    machines: Machines = DAEMON_MACHINES,
  ) {
    this.charts = new WorldCharts(machines, {
      isKnown: (id) => id in this.#present,
      tellsOom: options.oom ?? false,
    });
  }

  /** A daemon that has found nothing of a former one. */
  first(): World {
    const { clients } = this.options;
    const { state, outputs } = this.charts.supervisor.first(this.#input);
    const empty: World = {
      supervisor: state,
      containers: {},
      effects: [],
      flight: [],
      clients: Array.from({ length: clients }, (): Client => ({ asked: null, turn: 0 })),
      owed: [],
      stops: 0,
      ended: false,
      oomKills: 0,
      wrong: [],
      told: [],
    };
    const begun = this.#carryOut(empty, SUPERVISOR, { state, outputs });
    const [restore] = begun.effects;
    if (restore === undefined) throw new Error('the supervisor does not look for containers of before');
    return this.finish(begun, restore, { output: NOTHING_RESTORED });
  }

  /** Another daemon starts where one has left its containers; the shim tells it of exits that nobody was told of. */
  restart(world: World): World {
    const step = this.charts.supervisor.first(this.#input);
    const begun = { ...world, supervisor: step.state, ended: false, told: [] };
    return exitsKept(world).reduce(
      (next, exit) => this.#send(next, SUPERVISOR, SUPERVISOR, exit),
      this.#carryOut(begun, SUPERVISOR, step),
    );
  }

  get #input(): { concurrency: number; onStop: OnStop } {
    const { concurrency, onStop = 'end' } = this.options;
    return { concurrency, onStop };
  }

  /** A message to the supervisor from outside. */
  tell(world: World, event: EventObject): World {
    return this.#send({ ...world, told: [] }, SUPERVISOR, SUPERVISOR, event);
  }

  /** A message to a container from what it has begun, its watch for OOM kills. */
  tellContainer(world: World, id: string, event: EventObject): World {
    const to = { id, process: '' };
    return this.#send({ ...world, told: [] }, to, to, event);
  }

  /** An effect comes to its end: `how` holds its output, or the error it failed with. */
  finish(world: World, done: Effect, how: { output: unknown } | { error: unknown }): World {
    const effects = world.effects.filter((it) => it !== done);
    const kind = 'error' in how ? 'error' : 'done';
    const event = { type: `xstate.${kind}.actor.${done.name}`, actorId: done.name, ...how };
    return this.#send({ ...world, effects, told: [] }, done.of, done.of, event);
  }

  /** A delay is over. */
  ring(world: World, { of, name, event }: Timer & { of: Address }): World {
    const next = name === 'drainTimeout' ? withoutExecs(world, of.id) : world;
    return this.#send({ ...next, told: [] }, of, of, event);
  }

  /** Delivers the message at this place of those in flight. */
  deliver(world: World, at: number): World {
    const message = world.flight[at];
    if (message === undefined) return world;
    const next = { ...world, flight: world.flight.filter((it) => it !== message) };
    return this.#hear(next, message);
  }

  /** Delivers everything, first come first, as the actors' mailboxes do. */
  settleMessages(world: World): World {
    let next = world;
    while (next.flight.length > 0) next = this.deliver(next, 0);
    return next;
  }

  #send(world: World, from: Address, to: Address, event: EventObject): World {
    if (!this.#isThere(world, to)) return world;
    return { ...world, flight: [...world.flight, { from, to, event }] };
  }

  /** Whoever is not there when it is sent does not hear it later, under another daemon. */
  #isThere(world: World, { id, process }: Address): boolean {
    if (id === '') return !world.ended || this.options.onStop !== 'leave';
    const { state = NO_STATE, processes = {} } = world.containers[id] ?? {};
    return state !== NO_STATE && (process === '' || process in processes);
  }

  #hear(world: World, { to, event }: Message): World {
    this.#present = world.containers;
    if (to.id === '') {
      if (world.ended) return this.#hearNoMore(world, event);
      const known = Object.keys(world.containers).sort().join();
      // It looks at what there is when it hears that it has looked.
      const heard = outputOf(event) === NOTHING_RESTORED ? { ...event, output: restoredIn(world) } : event;
      const step = this.charts.supervisor.next(world.supervisor, heard, known);
      return this.#carryOut({ ...world, supervisor: step.state }, to, step);
    }
    const container = world.containers[to.id];
    if (container === undefined) return world;
    if (to.process === '') {
      const step = this.charts.container.next(container.state, event);
      return this.#carryOut(withContainer(world, to.id, { state: step.state }), to, step);
    }
    const state = container.processes[to.process];
    if (state === undefined) return world;
    const step = this.charts.process.next(state, event);
    const processes = { ...container.processes, [to.process]: step.state };
    return this.#carryOut(withContainer(world, to.id, { processes }), to, step);
  }

  /** Whoever asks a daemon that has ended is answered where the system is composed. */
  #hearNoMore(world: World, event: EventObject): World {
    const { type, requestId } = event as EventObject & { requestId?: string };
    return requestId === undefined || type === 'cancel' ? world : reply(world, requestId);
  }

  #carryOut(world: World, of: Address, { outputs }: LocalStep): World {
    let next = world;
    for (const output of outputs) {
      switch (output.kind) {
        case 'send': {
          const to = output.to === PARENT ? parentOf(of) : { id: of.id, process: output.to };
          next = this.#send(next, of, to, output.event);
          break;
        }
        case 'start':
          next = this.#start(next, of, output.id, output.src, output.input);
          break;
        case 'drop':
          next = {
            ...next,
            effects: next.effects.filter((it) => !(isAt(it.of, of) && it.name === output.id)),
          };
          break;
        case 'action':
          next = this.#act(next, of, output.type, output.params);
          break;
        case 'end':
          next = this.#end(next, of, output.output);
          break;
      }
    }
    return next;
  }

  #start(world: World, of: Address, name: string, src: string, input: unknown): World {
    if (src === OOM_WATCH && !this.options.oom) return world;
    const container = world.containers[of.id];
    if (src !== 'process' || container === undefined) {
      return { ...world, effects: [...world.effects, { of, name, src }] };
    }
    const step = this.charts.process.first(input);
    const processes = { ...container.processes, [name]: step.state };
    const kernel = { ...container.kernel, [name]: 'launching' as const };
    return this.#carryOut(
      withContainer(world, of.id, { processes, kernel }),
      { id: of.id, process: name },
      step,
    );
  }

  #end(world: World, of: Address, output: unknown): World {
    if (of.id === '') return this.options.onStop === 'leave' ? leftBehind(world) : { ...world, ended: true };
    const actorId = of.process === '' ? of.id : of.process;
    const event = { type: `xstate.done.actor.${actorId}`, actorId, output };
    const next = this.#send(world, of, parentOf(of), event);
    const container = world.containers[of.id];
    if (of.process === '' || container === undefined) return next;
    return withContainer(next, of.id, { processes: without(container.processes, of.process) });
  }

  #act(world: World, of: Address, type: string, params: unknown): World {
    switch (type) {
      case 'reply': {
        const { requestId } = params as Reply;
        // What a former daemon was asked has nobody left to answer.
        return requestId === '' ? world : reply(world, requestId);
      }
      case 'publish':
        return params === null ? world : tellAll(world, params as Notice);
      case 'reportStray':
        return wrong(world, `nobody knew of an exit: ${JSON.stringify(params)}`);
      case 'createContainer': {
        const request = params as { id: string };
        if (request.id in world.containers) return wrong(world, `${request.id} is in two places`);
        const step = this.charts.container.first(request);
        const container: Container = { ...NEW, state: step.state };
        const next = { ...world, containers: { ...world.containers, [request.id]: container } };
        return this.#carryOut(next, { id: request.id, process: '' }, step);
      }
      case 'forgetContainer':
        return forget(world, params as string);
      case 'toContainer': {
        const { id, event } = params as { id: string; event: EventObject };
        return this.#send(world, of, { id, process: '' }, event);
      }
      case 'toAll':
        return Object.keys(world.containers).reduce(
          (next, id) => this.#send(next, of, { id, process: '' }, params as EventObject),
          world,
        );
      case 'toEach': {
        const { ids, event } = params as { ids: string[]; event: EventObject };
        return ids.reduce((next, id) => this.#send(next, of, { id, process: '' }, event), world);
      }
      case 'adoptContainers':
        return this.#adopt(world, params as Adopted[]);
      case 'abandonAll':
        return world.clients.reduce(
          (next, { asked }) => (asked ? reply(next, asked.requestId) : next),
          world,
        );
      case 'abandon':
        return abandon(world, (params as { id: string }).id);
      // What the log says, and what was left untold by a former daemon, of which there is none here.
      case 'report':
      case 'publishAll':
        return world;
      default:
        throw new Error(`nothing is known of what ${type} does`);
    }
  }

  #adopt(world: World, adopted: readonly Adopted[]): World {
    const containers = Object.fromEntries(
      adopted.map((it) => [
        it.create.id,
        { ...(world.containers[it.create.id] ?? NEW), ...this.charts.adopted(it) },
      ]),
    );
    const watched = adopted.filter(({ status }) => this.options.oom && status !== 'launching');
    const watches = watched.map(({ create: { id } }) => ({
      of: { id, process: '' },
      name: OOM_WATCH,
      src: OOM_WATCH,
    }));
    return { ...world, containers, effects: [...world.effects, ...watches] };
  }
}

const outputOf = (event: EventObject): unknown => (event as { output?: unknown }).output;

const restoredIn = (world: World): Restored => ({ adopted: adoptedIn(world), untold: [] });

const parentOf = ({ id, process }: Address): Address => (process === '' ? SUPERVISOR : { id, process: '' });
