import { Event } from '../generated/api.ts';
import type { Notice } from '../machines/messages.ts';
import type { Journal } from './journal.ts';

/** Where events go: numbered, stamped, journalled, handed to whoever has subscribed. */
export type EventHub = {
  /** Resolves as the journal's `append`; subscribers have been told before. */
  publish(notice: Notice): Promise<boolean>;
  /** Gives every event from now on to the listener; returns how to end that. */
  subscribe(listener: (event: Event) => void): () => void;
  /** The events that the journal still has of what happened since then (unix nanoseconds), oldest first. */
  replay(sinceNs: bigint): AsyncGenerator<Event>;
  /** Those that it still has after the one of that number. */
  replayAfter(sequence: bigint): AsyncGenerator<Event>;
  countSubscribers(): number;
  /** Events published, by former daemons on this journal too. */
  countEvents(): number;
};

const NS_PER_MS = 1_000_000n;

function eventOf({ process: _, kills: __, unixNs, ...told }: Notice, sequence: bigint): Event {
  const timestamp = unixNs === '' ? BigInt(Date.now()) * NS_PER_MS : BigInt(unixNs);
  return Event.fromPartial({ ...told, timestamp, sequence });
}

/** An event hub that goes on where its journal ended. */
export function createEventHub(journal: Journal): EventHub {
  const listeners = new Set<(event: Event) => void>();
  return {
    publish(notice) {
      const event = eventOf(notice, journal.lastSequence() + 1n);
      const written = journal.append(event);
      for (const listener of listeners) listener(event);
      return written;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    replay: (sinceNs) => journal.read(sinceNs),
    replayAfter: (sequence) => journal.readAfter(sequence),
    countSubscribers: () => listeners.size,
    countEvents: () => Number(journal.lastSequence()),
  };
}
