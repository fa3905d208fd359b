import { assign, enqueueActions, raise, setup } from 'xstate';
import type { Failure } from '../errors.ts';
import type { Adopted } from './adopt.ts';
import { effect } from './effect.ts';
import type { CreateRequest, Notice, Reply, ShimExited } from './messages.ts';
import { refuse, report } from './replies.ts';
import type {
  OnStop,
  Restored,
  SupervisorContext,
  SupervisorEvent,
  ToContainer,
} from './supervisor-model.ts';
import { firstOf, joined, left } from './waiting-line.ts';

/** What the supervisor's chart is made of; the chart itself is in supervisor.ts. */
export const supervisorSetup = setup({
  types: {} as {
    context: SupervisorContext;
    events: SupervisorEvent;
    input: { concurrency: number; onStop: OnStop };
    tags: 'restoring';
  },
  actors: {
    /** Finds out what has become of the containers of a daemon that was here before. */
    restore: effect<undefined, Restored>(),
    /** Ends once no request is left unanswered. */
    answerAll: effect<undefined>(),
  },
  actions: {
    // Provided where the system is composed: who is where is a table there, because a map of containers in the
    // context would be copied at each event.
    createContainer: (_, _request: CreateRequest) => {},
    adoptContainers: (_, _adopted: Adopted[]) => {},
    forgetContainer: (_, _id: string) => {},
    toContainer: (_, _to: { id: string; event: ToContainer }) => {},
    toAll: (_, _event: ToContainer) => {},
    toEach: (_, _to: { ids: string[]; event: ToContainer }) => {},
    /** Answers whatever a container has left unanswered that has failed, or has given up on execs of its own. */
    abandon: (_, _container: { id: string; failure: Failure }) => {},
    /** The same for all that is unanswered. */
    abandonAll: (_, _failure: Failure) => {},
    reply: (_, _reply: Reply) => {},
    publish: (_, _notice: Notice | null) => {},
    publishAll: (_, _notices: Notice[]) => {},
    report: (_, _what: { what: string; failure: Failure }) => {},
    reportStray: (_, _exited: ShimExited) => {},

    enqueue: assign({
      containers: ({ context }) => context.containers + 1,
      queue: ({ context }, id: string) => joined(context.queue, id),
    }),
    /** It need not wait for its turn. */
    admit: assign({
      containers: ({ context }) => context.containers + 1,
      starting: ({ context }, id: string) => [...context.starting, id],
    }),
    takeSlot: assign({
      starting: ({ context }, id: string) => [...context.starting, id],
      queue: ({ context }, id: string) => left(context.queue, id),
    }),
    freeSlot: assign({ starting: ({ context }, id: string) => context.starting.filter((it) => it !== id) }),
    leave: assign({
      containers: ({ context }) => context.containers - 1,
      queue: ({ context }, id: string) => left(context.queue, id),
      starting: ({ context }, id: string) => context.starting.filter((it) => it !== id),
    }),
    noteRestored: assign({
      containers: (_, { adopted }: Restored) => adopted.length,
      starting: (_, { adopted }: Restored) =>
        adopted.filter(({ status }) => status === 'launching').map(({ create }) => create.id),
    }),
    deferExit: assign({ early: ({ context }, exited: ShimExited) => [...context.early, exited] }),
    takeExits: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ early: [] });
      for (const exited of context.early) enqueue.raise(exited);
    }),
    stopNext: raise({ type: 'stop' }),
  },
  guards: {
    /** Provided where the system is composed. */
    isKnown: (_, _id: string) => false,
    /** Whoever waits has had its turn where there is a slot left. */
    startsAtOnce: ({ context }) => context.starting.length < context.concurrency,
    slotFree: ({ context }) =>
      firstOf(context.queue) !== undefined && context.starting.length < context.concurrency,
    leaves: ({ context }) => context.onStop === 'leave',
    allGone: ({ context }) => context.containers === 0,
  },
  delays: {
    /** How long containers have to end after TERM. */
    stopGrace: 10_000,
    /** How long what is under way has to be answered where the containers are left. */
    leaveGrace: 10_000,
  },
});

type WithId = { event: { id: string } };

/** The id is that of a container. */
export const known = { type: 'isKnown', params: ({ event }: WithId) => event.id } as const;
export const forward = {
  type: 'toContainer',
  params: ({ event }: { event: ToContainer & { id: string } }) => ({ id: event.id, event }),
} as const;

/** A request for a container goes to it. */
export const route = [{ guard: known, actions: forward }, { actions: refuse('containerNotFound') }] as const;

type WithRestored = { event: { output: Restored } };
/** Takes up what a former daemon has left. */
export const takeUp = [
  { type: 'adoptContainers', params: ({ event }: WithRestored) => event.output.adopted },
  { type: 'noteRestored', params: ({ event }: WithRestored) => event.output },
  { type: 'publishAll', params: ({ event }: WithRestored) => event.output.untold },
  'takeExits',
] as const;

export const cannotRestore = report('the containers of before could not be restored');
