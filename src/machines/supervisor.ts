import { assign, enqueueActions, raise, setup, stateIn } from 'xstate';
import { type Failure, failure, failureOf } from '../errors.ts';
import type { Adopted } from './adopt.ts';
import type { ContainerGone, SlotReleased } from './container-model.ts';
import { effect } from './effect.ts';
import {
  type Cancel,
  type ContainerRequest,
  type CreateRequest,
  KILL,
  type Notice,
  type Reply,
  type Request,
  refused,
  type ShimExited,
  TERM,
} from './messages.ts';

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

type Context = {
  onStop: OnStop;
  /** How many containers may be starting at a time. */
  concurrency: number;
  /** Ids of the containers that hold a slot. */
  starting: string[];
  /** Ids of the containers that wait for a slot, first come first. */
  queue: string[];
  containers: number;
  /** Exits that came before their containers were taken up. */
  early: ShimExited[];
};

/** What a former daemon has left: containers to take up, starts of theirs that it did not come to tell, and exits that nobody saw. */
export type Restored = { adopted: Adopted[]; untold: Notice[]; ended: ShimExited[] };

type Event =
  | Request
  | Cancel
  | Stop
  | ShimExited
  | SlotReleased
  // A container has come to its end, or failed; written as the descriptors that match them.
  | { type: 'xstate.done.actor.*'; actorId: string; output: ContainerGone }
  | { type: 'xstate.error.actor.*'; actorId: string; error: unknown };

const supervisorSetup = setup({
  types: {} as {
    context: Context;
    events: Event;
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
      queue: ({ context }, id: string) => [...context.queue, id],
    }),
    takeSlot: assign({
      starting: ({ context }) => [...context.starting, ...context.queue.slice(0, 1)],
      queue: ({ context }) => context.queue.slice(1),
    }),
    freeSlot: assign({ starting: ({ context }, id: string) => context.starting.filter((it) => it !== id) }),
    leave: assign({
      containers: ({ context }) => context.containers - 1,
      queue: ({ context }, id: string) =>
        context.queue.includes(id) ? context.queue.filter((it) => it !== id) : context.queue,
      starting: ({ context }, id: string) => context.starting.filter((it) => it !== id),
    }),
    noteRestored: assign({
      containers: (_, { adopted }: Restored) => adopted.length,
      starting: (_, { adopted }: Restored) =>
        adopted.filter(({ status }) => status === 'launching').map(({ create }) => create.id),
    }),
    deferExit: assign({ early: ({ context }, exited: ShimExited) => [...context.early, exited] }),
    takeExits: enqueueActions(({ context, enqueue }, ended: ShimExited[]) => {
      enqueue.assign({ early: [] });
      for (const exited of [...ended, ...context.early]) enqueue.raise(exited);
    }),
    stopNext: raise({ type: 'stop' }),
  },
  guards: {
    /** Provided where the system is composed. */
    isKnown: (_, _id: string) => false,
    slotFree: ({ context }) => context.queue.length > 0 && context.starting.length < context.concurrency,
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
type WithRequest = { event: { requestId: string } };

const known = { type: 'isKnown', params: ({ event }: WithId) => event.id } as const;
const refuse = (error: Parameters<typeof failure>[0]) =>
  ({
    type: 'reply',
    params: ({ event }: WithRequest): Reply => ({
      requestId: event.requestId,
      outcome: refused(failure(error)),
    }),
  }) as const;
const forward = {
  type: 'toContainer',
  params: ({ event }: { event: ToContainer & { id: string } }) => ({ id: event.id, event }),
} as const;

/** A request for a container goes to it. */
const route = [{ guard: known, actions: forward }, { actions: refuse('containerNotFound') }] as const;

/** Every request that is for a container. */
const each = <T>(answer: T) => ({
  update: answer,
  signal: answer,
  exec: answer,
  updateProcess: answer,
  checkpoint: answer,
  deleteCheckpoint: answer,
});

type WithRestored = { event: { output: Restored } };
const takeUp = [
  { type: 'adoptContainers', params: ({ event }: WithRestored) => event.output.adopted },
  { type: 'noteRestored', params: ({ event }: WithRestored) => event.output },
  { type: 'publishAll', params: ({ event }: WithRestored) => event.output.untold },
  { type: 'takeExits', params: ({ event }: WithRestored) => event.output.ended },
] as const;
const report = (what: string) =>
  ({
    type: 'report',
    params: ({ event }: { event: { error: unknown } }) => ({ what, failure: failureOf(event.error) }),
  }) as const;
const cannotRestore = report('the containers of before could not be restored');

/**
 * The root of the system: it routes requests and exits to their container, gives each new container its turn to
 * start, and ends the containers when the daemon ends.
 */
export const supervisorMachine = supervisorSetup.createMachine({
  id: 'supervisor',
  context: ({ input }) => ({
    concurrency: input.concurrency,
    onStop: input.onStop,
    starting: [],
    queue: [],
    containers: 0,
    early: [],
  }),
  initial: 'restoring',
  on: {
    'shim.exited': [
      { guard: known, actions: forward },
      { actions: { type: 'reportStray', params: ({ event }) => event } },
    ],
    cancel: [{ guard: known, actions: forward }, { description: 'It has been answered already.' }],
    'slot.released': { actions: { type: 'freeSlot', params: ({ event }) => event.id } },
    'xstate.done.actor.*': {
      description: 'The id is free before anybody is told that the container has ended.',
      actions: [
        { type: 'forgetContainer', params: ({ event }) => event.actorId },
        { type: 'leave', params: ({ event }) => event.actorId },
        {
          type: 'abandon',
          params: ({ event }) => ({ id: event.actorId, failure: failure('containerExited') }),
        },
        { type: 'publish', params: ({ event }) => event.output.told },
      ],
    },
    'xstate.error.actor.*': {
      description: 'One container’s actor failed: the damage stays with it.',
      actions: [
        { type: 'forgetContainer', params: ({ event }) => event.actorId },
        { type: 'leave', params: ({ event }) => event.actorId },
        {
          type: 'abandon',
          params: ({ event }) => ({ id: event.actorId, failure: failureOf(event.error) }),
        },
        {
          type: 'report',
          params: ({ event }) => ({
            what: `the actor of container ${event.actorId} failed`,
            failure: failureOf(event.error),
          }),
        },
      ],
    },
  },

  states: {
    restoring: {
      initial: 'looking',
      tags: 'restoring',
      on: {
        create: { actions: refuse('supervisorRestoring') },
        ...each({ actions: refuse('supervisorRestoring') }),
        'shim.exited': { actions: { type: 'deferExit', params: ({ event }) => event } },
      },
      invoke: {
        src: 'restore',
        onDone: [
          {
            guard: stateIn({ restoring: 'toStop' }),
            description: 'What has ended meanwhile is not asked to end.',
            target: 'running',
            actions: [...takeUp, 'stopNext'],
          },
          { target: 'running', actions: takeUp },
        ],
        onError: [
          {
            guard: stateIn({ restoring: 'toStop' }),
            target: 'running',
            actions: [cannotRestore, { type: 'takeExits', params: [] }, 'stopNext'],
          },
          { target: 'running', actions: [cannotRestore, { type: 'takeExits', params: [] }] },
        ],
      },
      states: {
        looking: { on: { stop: 'toStop' } },
        toStop: {
          description: 'Asked to end before it knows what there is to end.',
          on: { stop: { description: 'It is to end already.' } },
        },
      },
    },

    running: {
      on: {
        create: [
          { guard: known, actions: refuse('containerExists') },
          {
            actions: [
              { type: 'createContainer', params: ({ event }) => event },
              { type: 'enqueue', params: ({ event }) => event.id },
            ],
          },
        ],
        ...each(route),
        stop: [{ guard: 'leaves', target: 'leaving' }, { target: 'stopping' }],
      },
      always: {
        guard: 'slotFree',
        actions: [
          {
            type: 'toContainer',
            params: ({ context }) => ({ id: context.queue[0] ?? '', event: { type: 'slot.granted' } }),
          },
          'takeSlot',
        ],
      },
    },

    stopping: {
      description: 'TERM to every init; KILL to what is left after a while, or when asked again.',
      initial: 'asking',
      on: {
        create: { actions: refuse('supervisorStopped') },
        ...each({ actions: refuse('supervisorStopped') }),
        signal: route,
      },
      always: { guard: 'allGone', target: 'stopped' },
      states: {
        asking: {
          entry: { type: 'toAll', params: { type: 'terminate', signal: TERM } },
          on: { stop: 'killing' },
          after: { stopGrace: 'killing' },
        },
        killing: {
          entry: { type: 'toAll', params: { type: 'terminate', signal: KILL } },
          on: { stop: { description: 'There is nothing harder than KILL.' } },
        },
      },
    },

    leaving: {
      description: 'The containers go on without a daemon; what is under way may come to its answer.',
      entry: {
        type: 'toEach',
        params: ({ context }) => ({ ids: context.queue, event: { type: 'terminate', signal: TERM } }),
      },
      on: {
        create: { actions: refuse('supervisorStopped') },
        ...each({ actions: refuse('supervisorStopped') }),
        stop: 'left',
      },
      invoke: {
        src: 'answerAll',
        onDone: 'left',
        onError: { target: 'left', actions: report('requests may be unanswered') },
      },
      after: { leaveGrace: 'left' },
    },

    left: { type: 'final', entry: { type: 'abandonAll', params: failure('supervisorStopped') } },
    stopped: { type: 'final' },
  },
});
