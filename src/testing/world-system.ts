import type { AnyStateMachine, EventObject } from 'xstate';
import { containerMachine } from '../machines/container.ts';
import { effect } from '../machines/effect.ts';
import type { Notice, Reply } from '../machines/messages.ts';
import { processMachine } from '../machines/process.ts';
import { supervisorMachine } from '../machines/supervisor.ts';
import { type WaitingLine, waitingIn } from '../machines/waiting-line.ts';
import { type LocalStates, type LocalStep, localStates, type Timer } from './local-states.ts';
import { PARENT } from './pure-chart.ts';
import {
  type Address,
  type Client,
  type Container,
  type Effect,
  type Message,
  NO_OOM_KILLS,
  type World,
  withContainer,
  without,
  wrong,
} from './world.ts';
import { toldOfOom } from './world-oom.ts';
import { abandon, forget, reply, tellAll, withoutExecs } from './world-told.ts';

export type Machines = { supervisor: AnyStateMachine; container: AnyStateMachine; process: AnyStateMachine };

export const DAEMON_MACHINES = {
  supervisor: supervisorMachine,
  container: containerMachine,
  process: processMachine,
} as unknown as Machines;

const SUPERVISOR: Address = { id: '', process: '' };
const isAt = (a: Address, b: Address): boolean => a.id === b.id && a.process === b.process;

export type SystemOptions = {
  concurrency: number;
  clients: number;
  /** Whether subscribers are told of OOM kills. */
  oom?: boolean;
};

/** The charts that worlds are made of, and how worlds follow from each other. */
export class System {
  readonly #supervisor: LocalStates;
  readonly #container: LocalStates;
  readonly #process: LocalStates;
  /** The containers of the world that is being stepped, for the guard that asks. */
  #present: Record<string, Container> = {};

  constructor(
    readonly options: SystemOptions,
    { supervisor, container, process }: Machines = DAEMON_MACHINES,
  ) {
    // A chart that was changed in this has its own way.
    const tellsOom = options.oom ? { tellsOom: () => true } : {};
    const isKnown = (_: unknown, id: string) => id in this.#present;
    this.#supervisor = localStates(supervisor.provide({ guards: { isKnown } as never }));
    this.#container = localStates(container.provide({ actors: { process: effect() } as never }));
    this.#process = localStates(process.provide({ guards: tellsOom } as never));
  }

  /** A daemon that has found nothing of a former one. */
  first(): World {
    const { concurrency, clients } = this.options;
    const { state, outputs } = this.#supervisor.first({ concurrency, onStop: 'end' });
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
    return this.finish(begun, restore, { output: { adopted: [], untold: [], ended: [] } });
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

  /** The delays that have begun. */
  timers(world: World): (Timer & { of: Address })[] {
    const of = (id: string, timers: readonly Timer[]) =>
      timers.map((timer) => ({ ...timer, of: { id, process: '' } }));
    return [
      ...of('', this.#supervisor.timers(world.supervisor)),
      ...Object.entries(world.containers).flatMap(([id, { state }]) => of(id, this.#container.timers(state))),
    ];
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

  stateOf(world: World, { id, process }: Address): { path: string; context: Record<string, unknown> } {
    const container = world.containers[id];
    const local = process !== '' ? this.#process : id !== '' ? this.#container : this.#supervisor;
    const state =
      process !== '' ? container?.processes[process] : id !== '' ? container?.state : world.supervisor;
    const { value, context } = local.snapshot(state ?? -1);
    return { path: pathOf(value), context: context as Record<string, unknown> };
  }

  /** The same for worlds that differ in nothing but which container has which id. */
  keyOf(world: World): string {
    const { value, context } = this.#supervisor.snapshot(world.supervisor);
    const { starting, queue, containers } = context as {
      starting: string[];
      queue: WaitingLine;
      containers: number;
    };
    const waiting = waitingIn(queue);
    const ids = new Set([
      ...Object.keys(world.containers),
      ...world.clients.flatMap(({ asked }) => asked?.id ?? []),
      ...world.flight.flatMap(({ from, to }) => [from.id, to.id]),
    ]);
    const records = [...ids].map((id) => {
      const { state, processes = {}, kernel = {}, oom = NO_OOM_KILLS } = world.containers[id] ?? {};
      const quoted = JSON.stringify(id);
      return [
        state === undefined ? '' : this.#container.shape(state),
        ...Object.entries(processes).map(([name, it]) => `${name}${this.#process.shape(it)}${kernel[name]}`),
        ...Object.entries(kernel).map(([name, how]) => (name in processes ? '' : name + how)),
        ...world.effects.flatMap(({ of, name }) => (of.id === id ? `${of.process}:${name}` : [])).sort(),
        JSON.stringify(oom),
        starting.indexOf(id),
        waiting.indexOf(id),
        ...world.clients.map(({ asked }) =>
          asked?.id === id ? `${asked.requestId}${asked.cancelled ? 'x' : ''}` : '',
        ),
        ...world.flight.flatMap((it) =>
          it.from.id === id || it.to.id === id ? JSON.stringify(it).replaceAll(quoted, '"#"') : [],
        ),
      ].join();
    });
    const turns = world.clients.map(({ turn }) => turn).join('');
    return [
      pathOf(value),
      containers,
      turns,
      world.stops,
      world.oomKills,
      world.ended,
      ...records.sort(),
    ].join('|');
  }

  counts(): { supervisor: number; container: number; process: number } {
    return {
      supervisor: this.#supervisor.count(),
      container: this.#container.count(),
      process: this.#process.count(),
    };
  }

  #send(world: World, from: Address, to: Address, event: EventObject): World {
    return { ...world, flight: [...world.flight, { from, to, event }] };
  }

  #hear(world: World, { to, event }: Message): World {
    this.#present = world.containers;
    if (to.id === '') {
      if (world.ended) return this.#hearNoMore(world, event);
      const known = Object.keys(world.containers).sort().join();
      const step = this.#supervisor.next(world.supervisor, event, known);
      return this.#carryOut({ ...world, supervisor: step.state }, to, step);
    }
    const container = world.containers[to.id];
    if (container === undefined) return world;
    if (to.process === '') {
      const step = this.#container.next(container.state, event);
      return this.#carryOut(withContainer(world, to.id, { state: step.state }), to, step);
    }
    const state = container.processes[to.process];
    if (state === undefined) return world;
    const step = this.#process.next(state, event);
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
    if (src === 'oomWatch' && !this.options.oom) return world;
    const container = world.containers[of.id];
    if (src !== 'process' || container === undefined) {
      return { ...world, effects: [...world.effects, { of, name, src }] };
    }
    const step = this.#process.first(input);
    const processes = { ...container.processes, [name]: step.state };
    const kernel = { ...container.kernel, [name]: 'launching' as const };
    return this.#carryOut(
      withContainer(world, of.id, { processes, kernel }),
      { id: of.id, process: name },
      step,
    );
  }

  #end(world: World, of: Address, output: unknown): World {
    if (of.id === '') return { ...world, ended: true };
    const actorId = of.process === '' ? of.id : of.process;
    const event = { type: `xstate.done.actor.${actorId}`, actorId, output };
    const next = this.#send(world, of, parentOf(of), event);
    const container = world.containers[of.id];
    if (of.process === '' || container === undefined) return next;
    return withContainer(next, of.id, { processes: without(container.processes, of.process) });
  }

  #act(world: World, of: Address, type: string, params: unknown): World {
    switch (type) {
      case 'reply':
        return reply(world, (params as Reply).requestId);
      case 'publish':
        return params === null ? world : tellAll(world, params as Notice);
      case 'keepOomKills': {
        const { id, kills } = params as { id: string; kills: number };
        return toldOfOom(world, id, kills);
      }
      case 'reportStray':
        return wrong(world, `nobody knew of an exit: ${JSON.stringify(params)}`);
      case 'createContainer': {
        const request = params as { id: string };
        if (request.id in world.containers) return wrong(world, `${request.id} is in two places`);
        const step = this.#container.first(request);
        const container: Container = { state: step.state, processes: {}, kernel: {}, oom: NO_OOM_KILLS };
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
      case 'abandon':
        return abandon(world, (params as { id: string }).id);
      default:
        return world;
    }
  }
}

const parentOf = ({ id, process }: Address): Address => (process === '' ? SUPERVISOR : { id, process: '' });

/** `{ running: 'steady' }` as `running.steady`. */
function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as Record<string, unknown>)
    .map(([name, inner]) => `${name}.${pathOf(inner)}`)
    .join('|');
}
