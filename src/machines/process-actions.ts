import { assign, enqueueActions, sendParent, setup, stopChild } from 'xstate';
import type { Failure } from '../errors.ts';
import { effect, effectOf, requestOf, terminateOf } from './effect.ts';
import type {
  Launched,
  Outcome,
  OutOfMemory,
  Reply,
  ShimExited,
  SignalRequest,
  Terminate,
  UpdateProcessRequest,
} from './messages.ts';
import type {
  LaunchInput,
  OomInput,
  ProcessContext,
  ProcessEvent,
  ProcessExited,
  ProcessFailed,
  ProcessRunning,
  SignalInput,
  UpdateInput,
} from './process-model.ts';

const whoIn = ({ id, process }: ProcessContext) => ({ id, process });

/** What the chart of a process is made of; the chart itself is in process.ts. */
export const processSetup = setup({
  types: {} as { context: ProcessContext; events: ProcessEvent; input: LaunchInput },
  actors: {
    launch: effect<LaunchInput, Launched>(),
    signal: effect<SignalInput>(),
    update: effect<UpdateInput>(),
    countOomKills: effect<OomInput, number>(),
  },
  actions: {
    // Provided where the system is composed.
    /** Answers a request. */
    reply: (_, _reply: Reply) => {},
    /** Says in the log what no client hears of. */
    report: (_, _what: { what: string; failure: Failure }) => {},

    noteExit: assign({
      reaped: (_, { pid }: ShimExited) => pid,
      exit: (_, { status, unixNs, unknown }: ShimExited) => ({ status, unixNs, ...(unknown && { unknown }) }),
    }),
    noteLaunch: assign({ launched: (_, launched: Launched) => launched }),
    expectAnswer: assign({ unanswered: ({ context }, id: string) => [...context.unanswered, id] }),
    answered: assign({
      unanswered: ({ context }, id: string) => context.unanswered.filter((it) => it !== id),
    }),
    sendSignal: enqueueActions(({ context, enqueue }, { requestId, signal }: SignalRequest) => {
      enqueue.spawnChild('signal', { id: effectOf(requestId), input: { ...whoIn(context), signal } });
    }),
    change: enqueueActions(({ context, enqueue }, request: UpdateProcessRequest) => {
      const { requestId, closeStdin, width, height } = request;
      const input = { ...whoIn(context), closeStdin, width, height };
      enqueue.spawnChild('update', { id: effectOf(requestId), input });
    }),
    tellToEnd: enqueueActions(({ context, enqueue }, { signal }: Terminate) => {
      enqueue.spawnChild('signal', { id: terminateOf(signal), input: { ...whoIn(context), signal } });
    }),
    dropEffect: stopChild((_, id: string) => id),
    tellRunning: sendParent(
      ({ context }): ProcessRunning => ({
        type: 'process.running',
        process: context.process,
        launched: context.launched,
      }),
    ),
    tellOom: sendParent((_, kills: number): OutOfMemory => ({ type: 'oom', kills })),
    tellExited: sendParent(
      ({ context }): ProcessExited => ({
        type: 'process.exited',
        process: context.process,
        pid: context.launched.pid,
        exit: context.exit,
      }),
    ),
    tellFailed: sendParent(
      ({ context }, why: Failure): ProcessFailed => ({
        type: 'process.failed',
        process: context.process,
        failure: why,
      }),
    ),
  },
  guards: {
    /** Whether anybody is told of OOM kills. Provided where the system is composed. */
    tellsOom: (_): boolean => false,
    hasEnded: ({ context }, { pid }: Launched) => context.reaped === pid,
    allAnswered: ({ context }) => context.unanswered.length === 0,
  },
});

export const noteExit = { type: 'noteExit', params: ({ event }: { event: ShimExited }) => event } as const;

/** Whether the process that was launched has ended meanwhile. */
export const hasEnded = {
  type: 'hasEnded',
  params: ({ event }: { event: { output: Launched } }) => event.output,
} as const;

/** It runs, or ran, as runc says. */
export const ranAs = [
  { type: 'noteLaunch', params: ({ event }: { event: { output: Launched } }) => event.output },
  'tellRunning',
] as const;

/** The request will be answered once its effect has come to its end. */
export const expectAnswer = {
  type: 'expectAnswer',
  params: ({ event }: { event: { requestId: string } }) => event.requestId,
} as const;

/** The effect of a request has come to its end, which is the answer. */
export const answerAsked = <E extends { actorId: string }>(outcome: (event: E) => Outcome) =>
  [
    {
      type: 'reply',
      params: ({ event }: { event: E }): Reply => ({
        requestId: requestOf(event.actorId),
        outcome: outcome(event),
      }),
    },
    { type: 'answered', params: ({ event }: { event: E }) => requestOf(event.actorId) },
    { type: 'dropEffect', params: ({ event }: { event: E }) => event.actorId },
  ] as const;
