import { stateIn } from 'xstate';
import { failure, failureOf } from '../errors.ts';
import { KILL, TERM } from './messages.ts';
import { each, refuse, report } from './replies.ts';
import { cannotRestore, forward, known, route, supervisorSetup, takeUp } from './supervisor-actions.ts';
import type { SupervisorContext } from './supervisor-model.ts';
import { firstOf, NOBODY, waitingIn } from './waiting-line.ts';

const nextIn = ({ queue }: SupervisorContext): string => firstOf(queue) ?? '';

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
    queue: NOBODY,
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
            actions: [cannotRestore, 'takeExits', 'stopNext'],
          },
          { target: 'running', actions: [cannotRestore, 'takeExits'] },
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
            guard: 'startsAtOnce',
            actions: [
              { type: 'createContainer', params: ({ event }) => event },
              { type: 'admit', params: ({ event }) => event.id },
              {
                type: 'toContainer',
                params: ({ event }) => ({ id: event.id, event: { type: 'slot.granted' } }),
              },
            ],
          },
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
            params: ({ context }) => ({ id: nextIn(context), event: { type: 'slot.granted' } }),
          },
          { type: 'takeSlot', params: ({ context }) => nextIn(context) },
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
        params: ({ context }) => ({
          ids: waitingIn(context.queue),
          event: { type: 'terminate', signal: TERM },
        }),
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
