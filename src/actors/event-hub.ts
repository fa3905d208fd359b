import { Event } from '../generated/api.ts';
import type { Notice } from '../machines/messages.ts';

/** What a subscriber of events gets; `serialized` is made once, however many subscribers there are. */
export type Published = { event: Event; serialized: () => Buffer };

/** Where events go: numbered, stamped, handed to whoever has subscribed. */
export type EventHub = {
  publish(notice: Notice): void;
  /** Gives every event from now on to the listener; returns how to end that. */
  subscribe(listener: (published: Published) => void): () => void;
  countSubscribers(): number;
  countEvents(): number;
};

const NS_PER_MS = 1_000_000n;

function eventOf({ type, id, pid, status, unixNs, checkpoint }: Notice, sequence: bigint): Event {
  const timestamp = unixNs === '' ? BigInt(Date.now()) * NS_PER_MS : BigInt(unixNs);
  return Event.fromPartial({ type, id, pid, status, timestamp, sequence, ...(checkpoint && { checkpoint }) });
}

/** An event hub that has published nothing yet. */
export function createEventHub(): EventHub {
  const listeners = new Set<(published: Published) => void>();
  let sequence = 0n;
  return {
    publish(notice) {
      sequence += 1n;
      const event = eventOf(notice, sequence);
      let bytes: Buffer | undefined;
      const serialized = () => {
        bytes ??= Buffer.from(Event.encode(event).finish());
        return bytes;
      };
      for (const listener of listeners) listener({ event, serialized });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    countSubscribers: () => listeners.size,
    countEvents: () => Number(sequence),
  };
}
