import type { Adopted } from './adopt.ts';
import type { ContainerGone, SlotReleased } from './container-model.ts';
import type { Cancel, ContainerRequest, Notice, Request, ShimExited } from './messages.ts';
import type { WaitingLine } from './waiting-line.ts';

/** What the supervisor knows, hears and says. The chart is in supervisor.ts. */

/** What the supervisor says to a container. */
export type ToContainer =
  | ContainerRequest
  | Cancel
  | ShimExited
  | { type: 'slot.granted' }
  | { type: 'terminate'; signal: number };

/** The daemon was asked to end; asked again, it does not wait any longer. */
export type Stop = { type: 'stop' };

/** What becomes of the containers when the daemon is asked to end: they end with it, or are left to the next one. */
export type OnStop = 'end' | 'leave';

export type SupervisorContext = {
  onStop: OnStop;
  /** How many containers may be starting at a time. */
  concurrency: number;
  /** Ids of the containers that hold a slot. */
  starting: string[];
  /** Ids of the containers that wait for a slot. */
  queue: WaitingLine;
  containers: number;
  /** Exits that came before their containers were taken up. */
  early: ShimExited[];
};

/** What a former daemon has left: containers to take up, and what it did not come to tell. */
export type Restored = { adopted: Adopted[]; untold: Notice[] };

export type SupervisorEvent =
  | Request
  | Cancel
  | Stop
  | ShimExited
  | SlotReleased
  // A container has come to its end, or failed; written as the descriptors that match them.
  | { type: 'xstate.done.actor.*'; actorId: string; output: ContainerGone }
  | { type: 'xstate.error.actor.*'; actorId: string; error: unknown };
