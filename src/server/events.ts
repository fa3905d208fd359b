import { Metadata, type ServerWritableStream } from '@grpc/grpc-js';
import type { EventHub, Published } from '../actors/event-hub.ts';
import { Event, type EventsRequest } from '../generated/api.ts';

/** How many events wait for a subscriber that does not read, before it is told of a gap. */
const MAX_BACKLOG = 4096;

/** What a client of 0.0.4, which asks for nothing in particular, is told. */
const DEFAULT_TYPES = ['exit', 'oom'];

type Call = ServerWritableStream<EventsRequest, Event>;

/**
 * Streams events until the client goes away. A client that reads too slowly costs bounded memory: what does not fit
 * is left out, and a `gap` event in its place says so once there is room again.
 */
export function streamEvents(call: Call, hub: EventHub): void {
  const { id, types } = call.request;
  const wanted = new Set(types.length === 0 ? DEFAULT_TYPES : types);
  const backlog: Event[] = [];
  let blocked = false;
  let missed: Event | undefined;

  const write = (event: Event) => {
    blocked = !call.write(event);
  };
  const unsubscribe = hub.subscribe(({ event }: Published) => {
    if (!wanted.has(event.type) || (id !== '' && event.id !== id)) return;
    if (!blocked && backlog.length === 0) write(event);
    else if (missed === undefined && backlog.length < MAX_BACKLOG) backlog.push(event);
    else missed = event;
  });
  // A client that waits for the headers knows from then on that it misses nothing.
  call.sendMetadata(new Metadata());
  call.on('drain', () => {
    blocked = false;
    while (!blocked) {
      const next = backlog.shift();
      if (next === undefined) break;
      write(next);
    }
    if (backlog.length === 0 && missed !== undefined) {
      // Its number is that of the last event left out: what lies between can be had with `since`.
      write(Event.fromPartial({ type: 'gap', timestamp: missed.timestamp, sequence: missed.sequence }));
      missed = undefined;
    }
  });
  const leave = () => {
    unsubscribe();
    backlog.length = 0;
  };
  call.on('cancelled', leave);
  call.on('close', leave);
  call.on('error', leave);
}
