import type {
  ActorRefLike,
  AnyActorRef,
  AnyEventObject,
  AnyTransitionDefinition,
  InspectionEvent,
  StateValue,
} from 'xstate';
import { stateName } from '../actors/transition-log.ts';
import type { ActorKind, Recorded, Said, Step } from './recorded.ts';
import { isChart, senderOf } from './sender.ts';

/** How much is kept. */
export type HistoryLimits = {
  stepsPerActor: number;
  /** Over all actors; but the last step of each is kept. */
  steps: number;
  /** Containers that are gone, with their processes. */
  goneContainers: number;
  /** Processes of one container that are gone. */
  goneProcesses: number;
};

export const HISTORY_LIMITS: HistoryLimits = {
  stepsPerActor: 128,
  steps: 32_768,
  goneContainers: 128,
  goneProcesses: 16,
};

/** Hears of each step as it is recorded, and of each actor of which nothing is kept any more. */
export type HistoryListener = {
  stepped(actor: Recorded, step: Step): void;
  forgotten?(actor: Recorded): void;
};

/** What has happened to the actors of a system, as far as it is kept. */
export type Recorder = {
  /** To be given to XState. */
  inspect(event: InspectionEvent): void;
  readonly supervisor: Recorded | undefined;
  /** Those that are there, then those that are gone; each in the order in which they came. */
  containers(): Iterable<Recorded>;
  /** The container with that id that is there, or else the last one that was. */
  container(id: string): Recorded | undefined;
  actor(session: string): Recorded | undefined;
  /** How many containers are there now in each state of the chart's top level; not to be changed. */
  readonly counts: ReadonlyMap<string, number>;
  /** Calls back from now on; returns how to end that. */
  listen(listener: HistoryListener): () => void;
};

/** Actions whose parameters are words to somebody outside. */
const SAYING = new Set(['reply', 'publish', 'report', 'reportStray']);

const NOTHING: readonly never[] = [];

/** What is under way in an actor between two snapshots. */
type Open = {
  sent: Pick<Step, 'event' | 'sender' | 'source' | 'number'>[];
  transitions: AnyTransitionDefinition[];
  said: Said[];
  began: string[];
};

type Entry = Omit<Recorded, 'children' | 'parent'> & {
  readonly open: Open;
  readonly children: Entry[];
  readonly parent: Entry | undefined;
};

/** The part of a state's name before the first dot. */
export function topOf(state: string): string {
  const dot = state.indexOf('.');
  return dot < 0 ? state : state.slice(0, dot);
}

const KINDS: Record<ActorKind | 'none', ActorKind | undefined> = {
  none: 'supervisor',
  supervisor: 'container',
  container: 'process',
  process: undefined,
};

/**
 * Keeps what happens to the supervisor, the containers and their processes. It holds on to what XState has made
 * anyhow, and costs the same with 10 or 10,000 containers.
 */
export function createRecorder(limits: HistoryLimits = HISTORY_LIMITS): Recorder {
  const actors = new Map<string, Entry>();
  /** By id: the container that is there, or the last one that was. */
  const byId = new Map<string, Entry>();
  const gone: Entry[] = [];
  const counts = new Map<string, number>();
  const listeners = new Set<HistoryListener>();
  let supervisor: Entry | undefined;
  let steps = 0;
  let numbers = 0;
  let sweep = actors.values();

  const entryOf = (ref: ActorRefLike | undefined): Entry | undefined =>
    ref === undefined ? undefined : actors.get(ref.sessionId);

  function born(ref: AnyActorRef): void {
    const parent = entryOf(ref._parent);
    if (!isChart(ref)) {
      if (typeof ref.src === 'string') parent?.open.began.push(ref.src);
      return;
    }
    const kind = KINDS[parent?.kind ?? 'none'];
    if (kind === undefined) return;
    const nowMs = now();
    const entry: Entry = {
      session: ref.sessionId,
      kind,
      id: kind === 'supervisor' ? 'supervisor' : ref.id,
      parent,
      children: [],
      bornMs: nowMs,
      goneMs: 0,
      state: '',
      value: '',
      sinceMs: nowMs,
      context: undefined,
      steps: [],
      open: { sent: [], transitions: [], said: [], began: [] },
    };
    actors.set(entry.session, entry);
    if (kind === 'supervisor') supervisor = entry;
    if (kind === 'container') byId.set(entry.id, entry);
    if (kind === 'process') parent?.children.push(entry);
  }

  function count(state: string, by: 1 | -1): void {
    if (state !== '') counts.set(state, (counts.get(state) ?? 0) + by);
  }

  function stepped(entry: Entry, event: AnyEventObject, snapshot: MachineLike): void {
    const { open } = entry;
    const at = open.sent.findIndex((it) => it.event === event);
    const { sender, source, number } = open.sent[at] ?? {
      sender: '',
      source: undefined,
      number: ++numbers,
    };
    open.sent.splice(0, at + 1);
    const nowMs = now();
    const state = stateName(snapshot.value);
    if (state !== entry.state) {
      const [from, to] = [topOf(entry.state), topOf(state)];
      if (entry.kind === 'container' && from !== to) {
        count(from, -1);
        count(to, 1);
      }
      entry.state = state;
      entry.sinceMs = nowMs;
    }
    entry.value = snapshot.value;
    entry.context = snapshot.context;
    const step: Step = {
      number,
      atMs: nowMs,
      event,
      sender,
      source,
      state,
      value: snapshot.value,
      context: snapshot.context,
      transitions: open.transitions.length === 0 ? NOTHING : open.transitions,
      said: open.said.length === 0 ? NOTHING : open.said,
      began: open.began.length === 0 ? NOTHING : open.began,
    };
    if (open.transitions.length > 0) open.transitions = [];
    if (open.said.length > 0) open.said = [];
    if (open.began.length > 0) open.began = [];
    entry.steps.push(step);
    steps += 1;
    trim(entry, limits.stepsPerActor);
    if (snapshot.status !== 'active') ended(entry, nowMs);
    // What is too much in total is taken from all in turn: two are looked at for each step that comes.
    sweepOne();
    sweepOne();
    for (const listener of listeners) listener.stepped(entry, step);
  }

  function trim(entry: Entry, most: number): void {
    const tooMany = entry.steps.length - most;
    if (tooMany <= 0) return;
    entry.steps.splice(0, tooMany);
    steps -= tooMany;
  }

  /** Moves on even where nothing is too much: V8 keeps every table that a map has outgrown while an iterator stands in it. */
  function sweepOne(): void {
    let next = sweep.next();
    if (next.done) {
      sweep = actors.values();
      next = sweep.next();
    }
    if (!next.done && steps > limits.steps)
      trim(next.value, Math.max(1, Math.floor(limits.steps / actors.size)));
  }

  /** A container that failed leaves processes that hear nothing any more. */
  function ended(entry: Entry, nowMs: number): void {
    if (entry.goneMs !== 0) return;
    entry.goneMs = nowMs;
    entry.open.sent = [];
    if (entry.kind === 'container') {
      count(topOf(entry.state), -1);
      for (const process of entry.children) ended(process, nowMs);
      gone.push(entry);
      if (gone.length > limits.goneContainers) forget(gone.shift());
    }
    if (entry.kind === 'process' && entry.parent !== undefined) {
      const { children } = entry.parent;
      const dead = children.filter(({ goneMs }) => goneMs !== 0);
      const [oldest] = dead;
      if (oldest === undefined || dead.length <= limits.goneProcesses) return;
      children.splice(children.indexOf(oldest), 1);
      forget(oldest);
    }
  }

  function forget(entry: Entry | undefined): void {
    if (entry === undefined) return;
    actors.delete(entry.session);
    steps -= entry.steps.length;
    if (byId.get(entry.id) === entry) byId.delete(entry.id);
    for (const listener of listeners) listener.forgotten?.(entry);
    for (const process of entry.children) forget(process);
  }

  return {
    inspect(inspected) {
      if (inspected.type === '@xstate.actor') return born(inspected.actorRef as AnyActorRef);
      const entry = entryOf(inspected.actorRef);
      if (entry === undefined || entry.goneMs !== 0) return;
      switch (inspected.type) {
        case '@xstate.event':
          entry.open.sent.push({
            number: ++numbers,
            event: inspected.event,
            source: inspected.sourceRef?.sessionId,
            sender: senderOf(inspected.event, inspected.sourceRef as AnyActorRef | undefined, entry.kind),
          });
          break;
        case '@xstate.microstep':
          entry.open.transitions.push(...inspected._transitions);
          break;
        case '@xstate.action':
          if (SAYING.has(inspected.action.type)) entry.open.said.push(inspected.action);
          break;
        case '@xstate.snapshot':
          stepped(entry, inspected.event, inspected.snapshot as unknown as MachineLike);
          break;
      }
    },
    get supervisor() {
      return supervisor;
    },
    *containers() {
      for (const entry of byId.values()) if (entry.kind === 'container' && entry.goneMs === 0) yield entry;
      yield* gone;
    },
    container: (id) => byId.get(id),
    actor: (session) => actors.get(session),
    counts,
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

type MachineLike = { value: StateValue; context: unknown; status: string };

const now = (): number => performance.timeOrigin + performance.now();
