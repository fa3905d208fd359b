import { type ErrorName, failure, failureOf } from '../errors.ts';
import { type Reply, refused } from './messages.ts';

/** The words that several charts have in common. */

/** Every request for a container, for the states that answer all of them alike. */
export const each = <T>(answer: T) => ({
  update: answer,
  signal: answer,
  exec: answer,
  updateProcess: answer,
  checkpoint: answer,
  deleteCheckpoint: answer,
});

/** The answer of a state that forbids what was asked. */
export const refuse = (error: ErrorName, detail = '') =>
  ({
    type: 'reply',
    params: ({ event }: { event: { requestId: string } }): Reply => ({
      requestId: event.requestId,
      outcome: refused(failure(error, detail)),
    }),
  }) as const;

/** Something went wrong that no client waits for. */
export const report = (what: string) =>
  ({
    type: 'report',
    params: ({ event }: { event: { error: unknown } }) => ({ what, failure: failureOf(event.error) }),
  }) as const;
