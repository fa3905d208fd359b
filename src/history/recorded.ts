import type { AnyEventObject, AnyTransitionDefinition, StateValue } from 'xstate';

/** What is kept of the actors and of what happened to them: read by many, made by the recorder alone. */

/** What an action told somebody outside the charts: a client, the subscribers of `Events`, the log. */
export type Said = { type: string; params: unknown };

/**
 * What one event did to an actor. All that it holds was there already and is never changed (events and contexts are
 * plain data), so that a step costs a few words of memory, and is put into text only for somebody who asks. Of arguments
 * and variables that are very many it holds some: see `lean`.
 */
export type Step = {
  /** In the order in which the events were sent, over all actors, from 1. */
  number: number;
  /** Unix milliseconds, with a fraction. */
  atMs: number;
  event: AnyEventObject;
  /** Who sent it: see `senderOf`. */
  sender: string;
  /** The session of the actor that sent it, effects among them. */
  source: string | undefined;
  /** The state after it, as a name (`running.steady`) and as XState has it. */
  state: string;
  value: StateValue;
  context: unknown;
  /** The transitions taken, in order; none where the event changed nothing. */
  transitions: readonly AnyTransitionDefinition[];
  said: readonly Said[];
  /** The effects that it began, by name (`pause`, `launch`). */
  began: readonly string[];
};

export type ActorKind = 'supervisor' | 'container' | 'process';

/** One actor of the charts, which may be gone. */
export type Recorded = {
  /** XState's own name for it, `x:12`; never used again. */
  readonly session: string;
  readonly kind: ActorKind;
  /** Of a container its id, of a process `init` or `exec-1`. */
  readonly id: string;
  readonly parent: Recorded | undefined;
  /** The processes of a container, those that are gone among them. */
  readonly children: Recorded[];
  readonly bornMs: number;
  /** When it came to its end; 0: it has not. */
  goneMs: number;
  /** Where it is, and since when. */
  state: string;
  value: StateValue;
  sinceMs: number;
  /** What it knows; of one that is gone its pid alone. */
  context: unknown;
  /** The oldest first; what came before them is forgotten. */
  readonly steps: Step[];
};

/** The part of a state's name before the first dot. */
export function topOf(state: string): string {
  const dot = state.indexOf('.');
  return dot < 0 ? state : state.slice(0, dot);
}
