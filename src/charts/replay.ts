import type { Event } from '../generated/api.ts';
import { INIT, type Notice } from '../machines/messages.ts';
import { effectMoves } from '../testing/moves.ts';
import { requestOf } from '../testing/request.ts';
import { pidOf, type World } from '../testing/world.ts';
import { System } from '../testing/world-system.ts';

/**
 * A journal held against the charts: for each of its events, what must have come before it is done to the charts (a
 * request, the end of an effect, the end of a process), which then have to tell that event and nothing else.
 */

/** Where they part. */
export type Parting = { sequence: bigint; event: string; id: string; state: string; why: string };
export type Replayed = {
  events: number;
  containers: number;
  /** Ids whose beginning the journal no longer has: what is told of them is passed over until they end. */
  unknown: string[];
  partings: Parting[];
};

type Followed = { world: World; pids: Map<number, string>; execs: number };

const CLIENT = 'A0';

/** How the charts come to tell an event, from a world in which nothing is under way. */
class Follower {
  readonly #system = new System({ concurrency: 1, clients: 1 });

  stateOf(world: World, id: string): string {
    return id in world.containers
      ? this.#system.charts.stateOf(world, { id, process: '' }).path
      : 'not there';
  }

  begin(id: string, pid: number): Followed {
    const first = this.#system.settleMessages(this.#system.first());
    return { world: this.#ask(first, 'create', id), pids: new Map([[pid, INIT]]), execs: 0 };
  }

  /** The world after it, with what was told on the way. */
  follow(followed: Followed, event: Event): Followed {
    const { id, type, pid } = event;
    const { world, pids, execs } = followed;
    switch (type) {
      case 'pause':
      case 'resume':
        return { ...followed, world: this.#ask(world, type, id) };
      case 'exec': {
        const process = `exec-${execs + 1}`;
        return {
          world: this.#ask(world, 'exec', id),
          pids: new Map([...pids, [pid, process]]),
          execs: execs + 1,
        };
      }
      case 'checkpoint': {
        const request = requestOf('checkpoint', CLIENT, id);
        const { name = '', exit = false } = event.checkpoint ?? {};
        const asked = {
          ...request,
          checkpoint: { name, exit, tcp: false, unixSockets: false, shell: false },
        };
        return { ...followed, world: this.#done(this.#system.tell(this.#asking(world, id), asked)) };
      }
      case 'exit':
        return { ...followed, world: this.#end(world, id, pids.get(pid) ?? '') };
      default:
        return followed;
    }
  }

  #asking(world: World, id: string): World {
    return { ...world, clients: [{ asked: { requestId: CLIENT, id, cancelled: false }, turn: 0 }] };
  }

  #ask(world: World, ask: Parameters<typeof requestOf>[0], id: string): World {
    return this.#done(this.#system.tell(this.#asking(world, id), requestOf(ask, CLIENT, id)));
  }

  #end(world: World, id: string, process: string): World {
    const container = world.containers[id];
    if (container === undefined || process === '') return { ...world, told: [] };
    const kernel = { ...container.kernel, [process]: 'dead' as const };
    const next = { ...world, containers: { ...world.containers, [id]: { ...container, kernel } } };
    const exit = { type: 'shim.exited', id, process, pid: pidOf(process), status: 0, unixNs: '1' };
    return this.#done(this.#system.tell(next, exit));
  }

  /** All that is under way ends well. */
  #done(from: World): World {
    const told: Notice[] = [...from.told];
    const step = (world: World): World => {
      let next = world;
      while (next.flight.length > 0) {
        next = this.#system.deliver({ ...next, told: [] }, 0);
        told.push(...next.told);
      }
      return next;
    };
    let world = step(from);
    for (let [move] = effectMoves(this.#system, world).done; move !== undefined; ) {
      world = step(move.to());
      [move] = effectMoves(this.#system, world).done;
    }
    return { ...world, told };
  }
}

const describe = ({ type, process }: Notice): string => (process === INIT ? type : `${type} of ${process}`);

/** Why the charts, which have told something else or nothing, do not tell the event. */
function whyNot({ type }: Event, { told, wrong }: World): string {
  if (wrong.length > 0) return wrong.join('; ');
  if (told.length === 0) return `the chart tells no ${type} in this state`;
  return `the chart tells ${told.map(describe).join(', then ')}`;
}

/** Whether it waits, its init being dead, for execs that live on; a daemon waits ten seconds, and tells its exit then. */
const waitsForExecs = ({ containers }: World, id: string): boolean => {
  const { [INIT]: init, ...execs } = containers[id]?.kernel ?? {};
  return init === 'dead' && Object.keys(execs).length > 0;
};

/** Replays a journal's events, in the order of their sequence numbers, through the charts of the daemon. */
export async function replay(events: AsyncIterable<Event> | Iterable<Event>): Promise<Replayed> {
  const follower = new Follower();
  const followed = new Map<string, Followed>();
  const unknown = new Set<string>();
  const partings: Parting[] = [];
  let [count, containers] = [0, 0];
  /** Whether it has all that the daemon has told. */
  let isWhole = true;
  let last = 0n;
  for await (const event of events) {
    const { id, type, pid, sequence } = event;
    const part = (state: string, why: string) => partings.push({ sequence, event: type, id, state, why });
    if (count === 0) isWhole = sequence === 1n;
    else if (sequence !== last + 1n) part('', `its number follows ${last}: events between them are missing`);
    count++;
    last = sequence;
    const before = followed.get(id);
    const state = before === undefined ? 'not there' : follower.stateOf(before.world, id);
    if (type === 'start') {
      if (before !== undefined) part(state, 'a container of this id is there already');
      followed.set(id, follower.begin(id, pid));
      unknown.delete(id);
      containers++;
    } else if (before === undefined) {
      if (isWhole && !unknown.has(id)) part(state, 'no container of this id has started');
      else unknown.add(id);
    } else if (type === 'exit' && !before.pids.has(pid)) {
      part(state, `no process of it has the pid ${pid}`);
    } else if (type !== 'oom') {
      const after = follower.follow(before, event);
      const tells = after.world.told.length === 1 && after.world.told[0]?.type === type;
      const waits = waitsForExecs(after.world, id);
      if (!tells && !waits) part(state, whyNot(event, after.world));
      // Exits that come later find nobody.
      if (waits) unknown.add(id);
      if (waits || !(id in after.world.containers)) followed.delete(id);
      else followed.set(id, tells ? after : before);
    }
  }
  return { events: count, containers, unknown: [...unknown], partings };
}
