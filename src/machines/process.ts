import { and, assign, sendParent, setup, spawnChild, stateIn, stopChild } from 'xstate';
import { type Failure, failure, failureOf } from '../errors.ts';
import {
  effect,
  effectOf,
  type RequestDone,
  type RequestFailed,
  requestOf,
  type TerminateDone,
  type TerminateFailed,
  terminateOf,
} from './effect.ts';
import {
  type Exit,
  type Inherited,
  type Launched,
  type OutOfMemory,
  type ProcessSpec,
  type Reply,
  refused,
  type ShimExited,
  type SignalRequest,
  type Stdio,
  succeeded,
  type Terminate,
  type UpdateProcessRequest,
} from './messages.ts';

/** What is to run: the bundle's own process, the one in a checkpoint, or another one beside init. */
export type LaunchKind =
  | { kind: 'start' }
  | { kind: 'restore'; checkpoint: string }
  | { kind: 'exec' }
  /** Started by a former daemon: the shim knows, or will know, what became of it. */
  | { kind: 'adopt' };

/** A process to launch: which one of which container, what it is, and where it reads and writes. */
export type LaunchInput = {
  id: string;
  process: string;
  bundlePath: string;
  spec: ProcessSpec;
  inherited: Inherited;
  stdio: Stdio;
  launch: LaunchKind;
};
export type SignalInput = { id: string; process: string; signal: number };
export type UpdateInput = { id: string; process: string; closeStdin: boolean; width: number; height: number };

/** Of whose container OOM kills are counted. */
export type OomInput = { id: string };

/** What a process tells its container. */
export type ProcessRunning = { type: 'process.running'; process: string; launched: Launched };
export type ProcessFailed = { type: 'process.failed'; process: string; failure: Failure };
export type ProcessExited = { type: 'process.exited'; process: string; pid: number; exit: Exit };

type Context = LaunchInput & {
  launched: Launched;
  exit: Exit;
  /** Requests whose effect is in flight. */
  unanswered: string[];
};

type Event =
  | ShimExited
  | SignalRequest
  | UpdateProcessRequest
  | Terminate
  | RequestDone
  | RequestFailed
  | TerminateDone
  | TerminateFailed;

const processSetup = setup({
  types: {} as { context: Context; events: Event; input: LaunchInput },
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
      exit: (_, { status, unixNs, unknown }: Exit) => ({ status, unixNs, ...(unknown && { unknown }) }),
    }),
    noteLaunch: assign({ launched: (_, launched: Launched) => launched }),
    expectAnswer: assign({ unanswered: ({ context }, id: string) => [...context.unanswered, id] }),
    answered: assign({
      unanswered: ({ context }, id: string) => context.unanswered.filter((it) => it !== id),
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
    tellsOom: () => false,
    allAnswered: ({ context }) => context.unanswered.length === 0,
  },
});

/** Nothing can be asked of a process that is not there. */
const refuse = {
  type: 'reply',
  params: ({ event }: { event: SignalRequest | UpdateProcessRequest }): Reply => ({
    requestId: event.requestId,
    outcome: refused(failure('processNotFound')),
  }),
} as const;

/** What comes too late for a process that has ended. */
const ended = {
  signal: { actions: refuse },
  updateProcess: { actions: refuse },
  terminate: { description: 'It has ended.' },
  'shim.exited': { description: 'It is known already.' },
  'xstate.error.actor.terminate.*': {
    description: 'It has ended before it could be told to.',
    actions: { type: 'dropEffect', params: ({ event }: { event: TerminateFailed }) => event.actorId },
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
    exit: { status: 255, unixNs: '' },
    unanswered: [],
  }),
  initial: 'created',
  states: {
    created: {
      initial: 'launching',
      invoke: {
        id: 'launch',
        src: 'launch',
        input: ({ context: { launched: _, exit: __, unanswered: ___, ...input } }) => input,
        onDone: [
          {
            guard: and([stateIn({ created: 'ended' }), 'tellsOom']),
            target: 'running.counting',
            actions: [{ type: 'noteLaunch', params: ({ event }) => event.output }, 'tellRunning'],
          },
          {
            guard: stateIn({ created: 'ended' }),
            target: 'exited',
            actions: [{ type: 'noteLaunch', params: ({ event }) => event.output }, 'tellRunning'],
          },
          {
            target: 'running',
            actions: [{ type: 'noteLaunch', params: ({ event }) => event.output }, 'tellRunning'],
          },
        ],
        onError: {
          target: 'failed',
          actions: { type: 'tellFailed', params: ({ event }) => failureOf(event.error) },
        },
      },
      on: { signal: { actions: refuse }, updateProcess: { actions: refuse } },
      states: {
        launching: {
          on: {
            'shim.exited': {
              target: 'ended',
              actions: { type: 'noteExit', params: ({ event }) => event },
            },
          },
        },
        ended: {
          description: 'It ended before runc had said its pid.',
          on: { 'shim.exited': { description: 'It is known already.' } },
        },
      },
    },

    running: {
      initial: 'alive',
      on: {
        'xstate.done.actor.request.*': {
          actions: [
            {
              type: 'reply',
              params: ({ event }) => ({ requestId: requestOf(event.actorId), outcome: succeeded() }),
            },
            { type: 'answered', params: ({ event }) => requestOf(event.actorId) },
            stopChild(({ event }) => event.actorId),
          ],
        },
        'xstate.error.actor.request.*': {
          actions: [
            {
              type: 'reply',
              params: ({ event }) => ({
                requestId: requestOf(event.actorId),
                outcome: refused(failureOf(event.error)),
              }),
            },
            { type: 'answered', params: ({ event }) => requestOf(event.actorId) },
            stopChild(({ event }) => event.actorId),
          ],
        },
        'xstate.done.actor.terminate.*': { actions: stopChild(({ event }) => event.actorId) },
        'xstate.error.actor.terminate.*': {
          actions: [
            {
              type: 'report',
              params: ({ event }) => ({
                what: 'a process could not be told to end',
                failure: failureOf(event.error),
              }),
            },
            stopChild(({ event }) => event.actorId),
          ],
        },
      },
      states: {
        alive: {
          on: {
            signal: {
              actions: [
                { type: 'expectAnswer', params: ({ event }) => event.requestId },
                spawnChild('signal', {
                  id: ({ event }) => effectOf(event.requestId),
                  input: ({ context, event }) => ({
                    id: context.id,
                    process: context.process,
                    signal: (event as SignalRequest).signal,
                  }),
                }),
              ],
            },
            updateProcess: {
              actions: [
                { type: 'expectAnswer', params: ({ event }) => event.requestId },
                spawnChild('update', {
                  id: ({ event }) => effectOf(event.requestId),
                  input: ({ context, event }) => {
                    const { closeStdin, width, height } = event as UpdateProcessRequest;
                    return { id: context.id, process: context.process, closeStdin, width, height };
                  },
                }),
              ],
            },
            terminate: {
              actions: spawnChild('signal', {
                id: ({ event }) => terminateOf((event as Terminate).signal),
                input: ({ context, event }) => ({
                  id: context.id,
                  process: context.process,
                  signal: (event as Terminate).signal,
                }),
              }),
            },
            'shim.exited': {
              target: 'ending',
              actions: { type: 'noteExit', params: ({ event }) => event },
            },
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
              actions: {
                type: 'report',
                params: ({ event }) => ({
                  what: 'it is not known whether a process was killed for want of memory',
                  failure: failureOf(event.error),
                }),
              },
            },
          },
        },
      },
    },

    exited: { type: 'final', entry: 'tellExited' },
    failed: { type: 'final' },
  },
});
