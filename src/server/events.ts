import { Metadata, type ServerWritableStream } from '@grpc/grpc-js';
import type { EventHub } from '../actors/event-hub.ts';
import { createGate } from '../gate.ts';
import { Event, type EventsRequest } from '../generated/api.ts';
import { atMost } from '../patience.ts';
import { serviceErrorOf } from './status.ts';

/** How many events wait for a subscriber that does not read, before it is told of a gap. */
const MAX_BACKLOG = 4096;

/** How many replays have the journal's files open, so that no number of clients takes all descriptors. */
const REPLAYS_AT_ONCE = 64;
/**
 * How long one has its turn, whether its client reads or not. Then it lets go of the files, and goes on from where it was
 * once its client has read and its turn comes again.
 */
const TURN_MS = 2000;
const turns = createGate(REPLAYS_AT_ONCE);

/** What a client of 0.0.4, which asks for nothing in particular, is told. */
const DEFAULT_TYPES = ['exit', 'oom'];

type Call = ServerWritableStream<EventsRequest, Event>;

/**
 * Streams events until the client goes away: with `since`, first those of the journal. A client that reads too slowly
 * costs bounded memory: what does not fit is left out, and a `gap` event in its place says so once there is room.
 */
export function streamEvents(call: Call, hub: EventHub): void {
  const { id, types, since } = call.request;
  const wanted = new Set(types.length === 0 ? DEFAULT_TYPES : types);
  // A gap in the journal itself, which nobody else can fill: whoever asks is told.
  const fits = (event: Event) =>
    event.type === 'gap' || (wanted.has(event.type) && (id === '' || event.id === id));
  const outlet = createOutlet(call);
  let replayed = 0n;
  let left = false;

  const unsubscribe = hub.subscribe((event) => {
    if (fits(event) && event.sequence > replayed) outlet.push(event);
  });
  const leave = () => {
    left = true;
    unsubscribe();
    outlet.clear();
  };
  call.on('cancelled', leave);
  call.on('close', leave);
  call.on('error', leave);
  // A client that waits for the headers knows from then on that it misses nothing.
  call.sendMetadata(new Metadata());

  /** Writes what the journal has, until the turn is over; whether that was all. */
  async function turn(): Promise<boolean> {
    if (left) return true;
    let endMs = 0;
    for await (const event of replayed === 0n ? hub.replay(since) : hub.replayAfter(replayed)) {
      if (left) return true;
      endMs ||= performance.now() + TURN_MS;
      // What a client was too slow for may be in the journal no more.
      if (replayed > 0n && event.sequence > replayed + 1n && event.type !== 'gap')
        outlet.write(gapOf({ ...event, sequence: event.sequence - 1n }));
      replayed = event.sequence;
      if (fits(event)) await outlet.writeNow(event, endMs - performance.now());
      if (performance.now() >= endMs) return false;
    }
    return true;
  }
  const replay = async () => {
    while (since > 0n) {
      const before = replayed;
      const isAll = await turns(turn);
      const hasRoom = outlet.forget(replayed);
      // What had no room meanwhile is in the journal by now; where a turn came no further, it is not to be had.
      if (isAll && (hasRoom || replayed === before)) break;
      await outlet.drained();
    }
    outlet.open();
  };
  // A call that is destroyed would never be answered: its own handler of errors sends the status.
  replay().catch((error) => call.emit('error', serviceErrorOf(error)));
}

/** Its number is that of the last event left out, which can be had with `since` where the journal still has it. */
const gapOf = ({ timestamp, sequence }: Pick<Event, 'timestamp' | 'sequence'>): Event =>
  Event.fromPartial({ type: 'gap', timestamp, sequence });

/** The way to one client: closed while the journal is replayed, then as wide as the client reads. */
function createOutlet(call: Call) {
  let backlog: Event[] = [];
  let missed: Event | undefined;
  let isOpen = false;
  let blocked = false;
  let wake = () => {};

  const write = (event: Event) => {
    blocked = !call.write(event);
  };
  /** Writes what waits, as far as the client reads. */
  function flush(): void {
    let written = 0;
    while (!blocked && written < backlog.length) {
      const next = backlog[written++];
      if (next !== undefined) write(next);
    }
    backlog = backlog.slice(written);
    if (!blocked && missed !== undefined) {
      const gap = gapOf(missed);
      missed = undefined;
      write(gap);
    }
  }
  call.on('drain', () => {
    blocked = false;
    wake();
    if (isOpen) flush();
  });
  /** Waits for a client that is slow. */
  const drained = (): Promise<void> =>
    blocked ? new Promise((resolve) => (wake = resolve)) : Promise.resolve();

  return {
    write,
    drained,
    push(event: Event): void {
      if (isOpen && !blocked && backlog.length === 0) write(event);
      else if (missed === undefined && backlog.length < MAX_BACKLOG) backlog.push(event);
      else missed = event;
    },
    /** Writes past the backlog, and waits for a client that is slow, but not longer than that. */
    async writeNow(event: Event, timeoutMs: number): Promise<void> {
      write(event);
      if (blocked) await atMost(timeoutMs, drained());
    },
    /** Drops of what waits what has been replayed, up to that number; gives whether all that was not has found room. */
    forget(replayed: bigint): boolean {
      backlog = backlog.filter((event) => event.sequence > replayed);
      if (missed !== undefined && missed.sequence <= replayed) missed = undefined;
      return missed === undefined;
    },
    /** Lets through what has waited. */
    open(): void {
      isOpen = true;
      flush();
    },
    clear(): void {
      backlog = [];
      missed = undefined;
      blocked = false;
      wake();
    },
  };
}
