import type { AnyEventObject } from 'xstate';
import type { Client } from '../machines/messages.ts';

/** The client that an event is a request of; a container begins with the request for it. */
export const clientIn = (event: AnyEventObject): Client | undefined => (event.input ?? event).client;

/** Who asked, and how: `UpdateContainer by ctr (pid 4711, uid 0)`. */
export function clientWords({ method, peer }: Client): string {
  if (peer === undefined) return `${method} by nobody knows whom`;
  const { pid, uid, program } = peer;
  const process = pid === 0 ? 'out of sight' : `pid ${pid}`;
  return `${method} by ${program || 'a program'} (${process}, uid ${uid})`;
}
