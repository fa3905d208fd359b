import { fromPromise, type PromiseActorLogic } from 'xstate';

/** Something that a chart has done for it: plain data in, plain data or a thrown failure out. */
export type Effect<Input, Output = void> = PromiseActorLogic<Output, Input>;

/** Stands in a chart for an effect that whoever composes the system provides. */
export function effect<Input, Output = void>(): Effect<Input, Output> {
  return fromPromise<Output, Input>(() => Promise.reject(new Error('no effect was provided')));
}

/**
 * An effect that serves one request bears the request's id, so that its end can be answered without a table.
 * The types are written as the descriptors that match them: XState types a wildcard only if it is declared.
 */
export type RequestDone = { type: 'xstate.done.actor.request.*'; actorId: string };
export type RequestFailed = { type: 'xstate.error.actor.request.*'; actorId: string; error: unknown };

/** An effect that nobody waits for: a signal that the daemon sends because it ends. */
export type TerminateDone = { type: 'xstate.done.actor.terminate.*'; actorId: string };
export type TerminateFailed = { type: 'xstate.error.actor.terminate.*'; actorId: string; error: unknown };

const PREFIX = 'request.';

export const effectOf = (requestId: string): string => PREFIX + requestId;
export const requestOf = (actorId: string): string => actorId.slice(PREFIX.length);
export const terminateOf = (signal: number): string => `terminate.${signal}`;
