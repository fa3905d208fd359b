import { and } from 'xstate';
import { failureOf } from '../errors.ts';
import { refused, succeeded } from './messages.ts';
import { answerAsked, expectAnswer, hasEnded, noteExit, processSetup, ranAs } from './process-actions.ts';
import { refuse, report } from './replies.ts';

/** What comes too late for a process that has ended. */
const ended = {
  signal: { actions: refuse('processNotFound') },
  updateProcess: { actions: refuse('processNotFound') },
  terminate: { description: 'It has ended.' },
  'shim.exited': { description: 'It is known already.' },
  'xstate.error.actor.terminate.*': {
    description: 'It has ended before it could be told to.',
    actions: { type: 'dropEffect', params: ({ event }: { event: { actorId: string } }) => event.actorId },
  },
} as const;

/**
 * The life of one process, init or exec'd: it is launched, it runs, it ends. What is asked of it while it runs is
 * an effect that bears the request's id, so that a slow one holds up nothing; it ends once all are answered.
 */
export const processMachine = processSetup.createMachine({
  id: 'process',
  context: ({ input }) => ({
    ...input,
    launched: { pid: 0, startTime: '' },
    reaped: 0,
    exit: { status: 255, unixNs: '' },
    unanswered: [],
  }),
  initial: 'created',
  states: {
    created: {
      initial: 'launching',
      on: {
        signal: { actions: refuse('processNotFound') },
        updateProcess: { actions: refuse('processNotFound') },
      },
      invoke: {
        id: 'launch',
        src: 'launch',
        input: ({ context: { launched: _, reaped: __, exit: ___, unanswered: ____, ...input } }) => input,
        onDone: [
          { guard: hasEnded, target: 'running.ending', actions: ranAs },
          { target: 'running', actions: ranAs },
        ],
        onError: {
          target: 'failed',
          actions: { type: 'tellFailed', params: ({ event }) => failureOf(event.error) },
        },
      },
      states: {
        launching: { on: { 'shim.exited': { target: 'ended', actions: noteExit } } },
        ended: {
          description: 'It ended before runc had said its pid, or a former one of its name did.',
          on: { 'shim.exited': { actions: noteExit } },
        },
      },
    },

    running: {
      initial: 'alive',
      on: {
        'xstate.done.actor.request.*': { actions: answerAsked(() => succeeded()) },
        'xstate.error.actor.request.*': {
          actions: answerAsked((event: { actorId: string; error: unknown }) =>
            refused(failureOf(event.error)),
          ),
        },
        'xstate.done.actor.terminate.*': {
          actions: { type: 'dropEffect', params: ({ event }) => event.actorId },
        },
        'xstate.error.actor.terminate.*': {
          actions: [
            report('a process could not be told to end'),
            { type: 'dropEffect', params: ({ event }) => event.actorId },
          ],
        },
      },
      states: {
        alive: {
          on: {
            signal: { actions: [expectAnswer, { type: 'sendSignal', params: ({ event }) => event }] },
            updateProcess: { actions: [expectAnswer, { type: 'change', params: ({ event }) => event }] },
            terminate: { actions: { type: 'tellToEnd', params: ({ event }) => event } },
            'shim.exited': { target: 'ending', actions: noteExit },
          },
        },
        ending: {
          description: 'It has ended; what was asked of it before is still to be answered.',
          on: ended,
          always: [
            { guard: and(['allAnswered', 'tellsOom']), target: 'counting' },
            { guard: 'allAnswered', target: '#process.exited' },
          ],
        },
        counting: {
          description: 'Whether it was killed for want of memory is told before its exit.',
          on: ended,
          invoke: {
            src: 'countOomKills',
            input: ({ context }) => ({ id: context.id }),
            onDone: {
              target: '#process.exited',
              actions: { type: 'tellOom', params: ({ event }) => event.output },
            },
            onError: {
              target: '#process.exited',
              actions: report('it is not known whether a process was killed for want of memory'),
            },
          },
        },
      },
    },

    exited: { type: 'final', entry: 'tellExited' },
    failed: { type: 'final' },
  },
});
