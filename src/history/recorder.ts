import type {
  ActorRefLike,
  AnyActorRef,
  AnyEventObject,
  AnyTransitionDefinition,
  InspectionEvent,
  StateValue,
} from 'xstate';
import { stateName } from '../actors/transition-log.ts';
import { INIT } from '../machines/messages.ts';
import { now } from './clock.ts';
import { pidOf } from './family.ts';
import type { Hearer } from './hear.ts';
import { lean } from './lean.ts';
import { type ActorKind, type Recorded, type Said, type Step, topOf } from './recorded.ts';
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
  /** What the system tells of its actors. */
  readonly hearer: Hearer;
  readonly supervisor: Recorded | undefined;
  /** Those that are there, then those that are gone, each in the order in which they came; one may go meanwhile. */
  containers(): Iterable<Recorded>;
  /** The container with that id that is there, or else the last one that was. */
  container(id: string): Recorded | undefined;
  actor(session: string): Recorded | undefined;
  /** How many containers are there now in each state of the chart's top level; not to be changed. */
  readonly counts: ReadonlyMap<string, number>;
  /** Calls back from now on; returns how to end that. */
  listen(listener: HistoryListener): () => void;
};

const NOTHING: readonly never[] = [];

/** What is under way in an actor between two snapshots. */
type Open = {
  number: number;
  said: Said[];
  /** In a whole record alone. */
  sources: { event: AnyEventObject; session: string | undefined }[];
  transitions: AnyTransitionDefinition[];
  began: string[];
};

type Entry = Omit<Recorded, 'children' | 'parent'> & {
  readonly open: Open;
  readonly children: Entry[];
  readonly parent: Entry | undefined;
};

const KINDS: Record<ActorKind | 'none', ActorKind | undefined> = {
  none: 'supervisor',
  supervisor: 'container',
  container: 'process',
  process: undefined,
};

/**
 * Keeps what happens to the supervisor, the containers and their processes. It holds on to what XState has made
 * anyhow, and costs the same with 10 or 10,000 containers. A whole record has of each step the context after it, the
 * transitions taken, the effects begun and the actor that sent the event as well.
 */
export function createRecorder({
  limits = HISTORY_LIMITS,
  whole = false,
}: {
  limits?: HistoryLimits;
  whole?: boolean;
} = {}): Recorder {
  const actors = new Map<string, Entry>();
  /** By id: the container that is there, or the last one that was. */
  const byId = new Map<string, Entry>();
  /** The one that has been longest first. */
  const gone = new Set<Entry>();
  const counts = new Map<string, number>();
  const listeners = new Set<HistoryListener>();
  let supervisor: Entry | undefined;
  let steps = 0;
  let numbers = 0;
  let sweep = actors.values();

  const entryOf = ({ sessionId }: ActorRefLike): Entry | undefined => actors.get(sessionId);
  /** The actor, if it can still hear. */
  const hearing = (ref: ActorRefLike): Entry | undefined => {
    const entry = entryOf(ref);
    return entry?.goneMs === 0 ? entry : undefined;
  };

  function born(ref: AnyActorRef): void {
    const parent = ref._parent && entryOf(ref._parent);
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
      open: { number: ++numbers, said: [], sources: [], transitions: [], began: [] },
    };
    actors.set(entry.session, entry);
    if (kind === 'supervisor') supervisor = entry;
    if (kind === 'container') {
      // In the place of a former one of its name, it would not be where the newest are.
      byId.delete(entry.id);
      byId.set(entry.id, entry);
    }
    if (kind === 'process') parent?.children.push(entry);
  }

  function count(state: string, by: 1 | -1): void {
    if (state !== '') counts.set(state, (counts.get(state) ?? 0) + by);
  }

  function stepped(entry: Entry, event: AnyEventObject, sender: string, after: MachineLike): void {
    const nowMs = now();
    const { value, context } = after;
    const state = value === entry.value ? entry.state : stateName(value);
    if (state !== entry.state) {
      const [from, to] = [topOf(entry.state), topOf(state)];
      if (entry.kind === 'container' && from !== to) {
        count(from, -1);
        count(to, 1);
      }
      entry.state = state;
      entry.sinceMs = nowMs;
    }
    entry.value = value;
    entry.context = context;
    const { open } = entry;
    const step: Step = {
      number: open.number,
      atMs: nowMs,
      event: lean(event),
      sender,
      source: whole ? sourceOf(entry, event) : undefined,
      state,
      value,
      context: whole ? lean(context) : undefined,
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
    if (after.status !== 'active') ended(entry, nowMs);
    // What is too much in total is taken from all in turn: two are looked at for each step that comes.
    sweepOne();
    sweepOne();
    for (const listener of listeners) listener.stepped(entry, step);
    // Whoever listens has heard of the end first.
    if (entry.goneMs !== 0) forgetOne(entry);
  }

  function sourceOf({ open: { sources }, parent }: Entry, event: AnyEventObject): string | undefined {
    if (event.type === 'xstate.init') return parent?.session;
    const at = sources.findIndex((it) => it.event === event);
    const session = sources[at]?.session;
    sources.splice(0, at + 1);
    return session;
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
    entry.context = { initPid: pidOf(entry) };
    entry.open.sources = [];
    if (entry.kind !== 'container') return;
    count(topOf(entry.state), -1);
    for (const process of entry.children) ended(process, nowMs);
    gone.add(entry);
  }

  /** One more is gone: of those that have been longest another may be too many, but for an init, which is its container's. */
  function forgetOne({ kind, parent }: Entry): void {
    if (kind === 'container' && gone.size > limits.goneContainers) {
      const [longest] = gone;
      forget(longest);
    }
    if (kind !== 'process' || parent === undefined) return;
    const dead = parent.children.filter(({ id, goneMs }) => goneMs !== 0 && id !== INIT);
    if (dead.length <= limits.goneProcesses) return;
    const oldest = dead.reduce((one, other) => (other.goneMs < one.goneMs ? other : one));
    parent.children.splice(parent.children.indexOf(oldest), 1);
    forget(oldest);
  }

  function forget(entry: Entry | undefined): void {
    if (entry === undefined) return;
    actors.delete(entry.session);
    gone.delete(entry);
    steps -= entry.steps.length;
    if (byId.get(entry.id) === entry) byId.delete(entry.id);
    for (const listener of listeners) listener.forgotten?.(entry);
    for (const process of entry.children) forget(process);
  }

  function inspect(inspected: InspectionEvent): void {
    if (inspected.type === '@xstate.actor') {
      const { _parent: parent, src } = inspected.actorRef as AnyActorRef;
      if (parent !== undefined && !isChart(inspected.actorRef as AnyActorRef) && typeof src === 'string')
        entryOf(parent)?.open.began.push(src);
      return;
    }
    const open = hearing(inspected.actorRef)?.open;
    if (open === undefined) return;
    if (inspected.type === '@xstate.microstep') open.transitions.push(...inspected._transitions);
    if (inspected.type === '@xstate.event')
      open.sources.push({ event: inspected.event, session: inspected.sourceRef?.sessionId });
  }

  const hearer: Hearer = {
    born,
    takes(ref) {
      const entry = hearing(ref);
      if (entry !== undefined) entry.open.number = ++numbers;
    },
    stepped(ref, event, before, after) {
      const entry = hearing(ref);
      if (entry !== undefined) stepped(entry, event, senderOf(event, entry, before.children), after);
    },
    said(ref, type, params) {
      hearing(ref)?.open.said.push({ type, params });
    },
    ...(whole && { inspect }),
  };

  return {
    hearer,
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
