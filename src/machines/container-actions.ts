import {
  assign,
  enqueueActions,
  fromCallback,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import { type ErrorName, type Failure, failure, failureOf } from '../errors.ts';
import type {
  CheckpointInput,
  ContainerContext,
  ContainerEvent,
  ContainerGone,
  Deferred,
  DeleteCheckpointInput,
  DeleteInput,
  KillFrozenInput,
  Operation,
  PauseInput,
  SlotReleased,
} from './container-model.ts';
import { effect } from './effect.ts';
import {
  type CheckpointRequest,
  type CreateRequest,
  type DeleteCheckpointRequest,
  type ExecRequest,
  type Exit,
  INIT,
  KILL,
  type Notice,
  type Outcome,
  type OutOfMemory,
  type Reply,
  refused,
  type ShimExited,
  type SignalRequest,
  succeeded,
  type UpdateProcessRequest,
  type UpdateRequest,
} from './messages.ts';
import { type OomInput, type ProcessExited, type ProcessRunning, processMachine } from './process.ts';

/** The name of the child that watches for OOM kills. */
export const OOM_WATCH = 'oomWatch';

/** How many requests may wait for one container; more are refused, so that a stuck runc costs bounded memory. */
const MAX_PENDING = 1024;

/** The process that has the pid, 0 being init's; none for an init whose exit waits for the operation in flight. */
function keyOf({ processes, exit }: ContainerContext, pid: number): string | undefined {
  const process = pid === 0 ? INIT : processes.find((it) => it.pid === pid)?.process;
  return process === INIT && exit !== null ? undefined : process;
}

const killsInitOf = (context: ContainerContext, { pid, signal }: { pid: number; signal: number }): boolean =>
  signal === KILL && keyOf(context, pid) === INIT;

const isFull = ({ pending }: ContainerContext): boolean => pending.length >= MAX_PENDING;

const signalOf = ({ requestId, id, signal }: UpdateRequest): SignalRequest => ({
  type: 'signal',
  requestId,
  id,
  pid: 0,
  signal,
});

/** What the container's chart is made of; the chart itself is in container.ts. */
export const containerSetup = setup({
  types: {} as {
    context: ContainerContext;
    events: ContainerEvent;
    input: CreateRequest;
    output: ContainerGone;
    tags: 'running' | 'paused';
  },
  actors: {
    process: processMachine,
    pause: effect<PauseInput>(),
    resume: effect<PauseInput>(),
    killFrozen: effect<KillFrozenInput>(),
    checkpoint: effect<CheckpointInput>(),
    deleteCheckpoint: effect<DeleteCheckpointInput>(),
    delete: effect<DeleteInput>(),
    /** Says `oom` when the kernel may have killed something; what is provided, if anything is, as nobody need be told. */
    oomWatch: fromCallback<OutOfMemory, OomInput>(() => {}),
  },
  actions: {
    // Provided where the system is composed.
    /** Answers a request. */
    reply: (_, _reply: Reply) => {},
    /** Tells subscribers and the journal. */
    publish: (_, _notice: Notice) => {},
    /** Keeps, for the next daemon, how many OOM kills have been told. */
    keepOomKills: (_, _told: { id: string; kills: number }) => {},
    /** Says in the log what no client hears of. */
    report: (_, _what: { what: string; failure: Failure }) => {},
    reportStray: (_, _exited: ShimExited) => {},

    releaseSlot: sendParent(({ context }): SlotReleased => ({ type: 'slot.released', id: context.id })),

    launchInit: enqueueActions(({ context, enqueue }) => {
      const { id, bundlePath, create } = context;
      const { spec, inherited, stdio, checkpoint } = create;
      enqueue.assign({
        processes: [{ process: INIT, requestId: create.requestId, spec, pid: 0, startTime: '' }],
      });
      enqueue.spawnChild('process', {
        id: INIT,
        input: {
          id,
          process: INIT,
          bundlePath,
          spec,
          inherited,
          stdio,
          launch: checkpoint === '' ? { kind: 'start' } : { kind: 'restore', checkpoint },
        },
      });
    }),
    launchExec: enqueueActions(({ context, enqueue }, { requestId, spec, stdio }: ExecRequest) => {
      const { id, bundlePath, create } = context;
      const process = `exec-${context.execs + 1}`;
      enqueue.assign({
        execs: context.execs + 1,
        processes: [...context.processes, { process, requestId, spec, pid: 0, startTime: '' }],
      });
      enqueue.spawnChild('process', {
        id: process,
        input: {
          id,
          process,
          bundlePath,
          spec,
          inherited: create.inherited,
          stdio,
          launch: { kind: 'exec' },
        },
      });
    }),
    noteRunning: assign({
      initPid: ({ context }, { process, launched }: ProcessRunning) =>
        process === INIT ? launched.pid : context.initPid,
      processes: ({ context }, { process, launched }: ProcessRunning) =>
        context.processes.map((it) => (it.process === process ? { ...it, ...launched } : it)),
    }),
    forgetProcess: assign({
      processes: ({ context }, process: string) => context.processes.filter((it) => it.process !== process),
    }),
    watchOom: spawnChild('oomWatch', { id: OOM_WATCH, input: ({ context }) => ({ id: context.id }) }),
    noteOom: assign({ oomKills: (_, { kills }: OutOfMemory) => kills }),
    dropChild: stopChild((_, id: string) => id),
    noteExit: assign({ exit: (_, exit: Exit) => exit }),
    noteFailure: assign({ failure: (_, why: Failure) => why }),

    toProcess: sendTo(
      ({ context }, event: SignalRequest | UpdateProcessRequest) => keyOf(context, event.pid) ?? INIT,
      (_, event: SignalRequest | UpdateProcessRequest) => event,
    ),
    toReaped: sendTo(
      (_, event: ShimExited) => event.process,
      (_, event: ShimExited) => event,
    ),
    signalInit: sendTo(INIT, (_, signal: number) => ({ type: 'terminate', signal }) as const),

    defer: assign({ pending: ({ context }, event: Deferred) => [...context.pending, event] }),
    /** An exit comes before everything else that waits. */
    deferFirst: assign({ pending: ({ context }, event: Deferred) => [event, ...context.pending] }),
    /** Takes up in arrival order what waited; what still cannot be done waits again, in the same order. */
    takePending: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ pending: [] });
      for (const event of context.pending) enqueue.raise(event);
    }),
    dropPending: assign({
      pending: ({ context }, requestId: string) =>
        context.pending.filter((it) => !('requestId' in it && it.requestId === requestId)),
    }),

    /** The end that was asked for first is given to an init that could not be thawed for it. */
    terminateFrozen: enqueueActions(({ context, enqueue }) => {
      const terminate = context.pending.find((it) => it.type === 'terminate');
      if (terminate === undefined) return;
      enqueue.sendTo(INIT, terminate);
      enqueue.assign({ pending: context.pending.filter((it) => it !== terminate) });
    }),

    begin: assign({ operation: (_, operation: Operation) => operation }),
    end: assign({ operation: null }),
    /** An update comes to its signal, which answers it. */
    signalNext: raise((_, update: UpdateRequest) => signalOf(update)),
  },
  guards: {
    fromCheckpoint: ({ context }) => context.create.checkpoint !== '',
    isTaken: (_, { error }: Failure) => error === 'containerExists',
    isInit: (_, process: string) => process === INIT,
    launching: ({ context }) => context.processes.some((it) => it.pid === 0),
    pausesLater: ({ context }, { status }: UpdateRequest) =>
      status === 'paused' && context.processes.some((it) => it.pid === 0),
    execsLeft: ({ context }) => context.processes.some((it) => it.process !== INIT),
    hasProcess: ({ context }, pid: number) => keyOf(context, pid) !== undefined,
    initEnded: ({ context }) => context.exit !== null,
    hasEnded: ({ context }, process: string) => process === INIT && context.exit !== null,
    /** One event a rise: it does not say how many were killed. */
    oomRises: ({ context }, { kills }: OutOfMemory) => kills > context.oomKills,
    isKnown: ({ context }, process: string) => context.processes.some((it) => it.process === process),
    isCreate: ({ context }, requestId: string) => context.create.requestId === requestId,
    pauses: (_, { status }: UpdateRequest) => status === 'paused',
    resumes: (_, { status }: UpdateRequest) => status === 'running',
    killsInit: ({ context }, asked: { pid: number; signal: number }) => killsInitOf(context, asked),
    killsInitThoughFull: ({ context }, asked: { pid: number; signal: number }) =>
      isFull(context) && killsInitOf(context, asked),
    checkpointExits: ({ context }) =>
      context.operation?.type === 'checkpoint' && context.operation.checkpoint.exit,
    signals: (_, { signal }: UpdateRequest) => signal !== 0,
    operationSignals: ({ context }) => context.operation?.type === 'update' && context.operation.signal !== 0,
    isPending: ({ context }, requestId: string) =>
      context.pending.some((it) => 'requestId' in it && it.requestId === requestId),
    full: ({ context }) => isFull(context),
  },
  delays: {
    /** For how long a container that is deleted waits for execs that outlive its init. */
    drainTimeout: 10_000,
  },
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

/** The answer to whoever asked for the operation in flight. */
export const operationDone = {
  type: 'reply',
  params: ({ context }: { context: ContainerContext }): Reply => ({
    requestId: context.operation?.requestId ?? '',
    outcome: succeeded(),
  }),
} as const;
export const operationFailed = {
  type: 'reply',
  params: ({ context, event }: { context: ContainerContext; event: { error: unknown } }): Reply => ({
    requestId: context.operation?.requestId ?? '',
    outcome: refused(failureOf(event.error)),
  }),
} as const;

/** The answer to whoever asked for a process. */
export const answerLaunch = <E extends { process: string }>(outcome: (event: E) => Outcome) =>
  ({
    type: 'reply',
    params: ({ context, event }: { context: ContainerContext; event: E }): Reply => ({
      requestId: context.processes.find((it) => it.process === event.process)?.requestId ?? '',
      outcome: outcome(event),
    }),
  }) as const;

/** The answer to whoever asked for a container that never came to run. */
export const answerCreate = (why: (context: ContainerContext) => Failure) =>
  ({
    type: 'reply',
    params: ({ context }: { context: ContainerContext }): Reply => ({
      requestId: context.create.requestId,
      outcome: refused(why(context)),
    }),
  }) as const;

/** What subscribers of `Events` are told of this container; of init where nothing else is said. */
export const publish = <E>(
  type: Notice['type'],
  rest: (event: E, context: ContainerContext) => Partial<Notice> = () => ({}),
) =>
  ({
    type: 'publish',
    params: ({ context, event }: { context: ContainerContext; event: E }): Notice => ({
      type,
      id: context.id,
      process: INIT,
      pid: context.initPid,
      status: 0,
      unixNs: '',
      ...rest(event, context),
    }),
  }) as const;

/** The operation that begins with this event. */
export const begin = { type: 'begin', params: ({ event }: { event: Operation }) => event } as const;

/** Keeps an event until the operation in flight has ended. */
export const defer = { type: 'defer', params: ({ event }: { event: Deferred }) => event } as const;

/** The answer where too many wait already. */
const refuseMore = {
  type: 'reply',
  params: ({ context, event }: { context: ContainerContext; event: { requestId: string } }): Reply => ({
    requestId: event.requestId,
    outcome: refused(failure('tooManyRequests', context.id)),
  }),
} as const;

/** What cannot be done now waits until the operation in flight has ended. */
export const wait = [{ guard: 'full', actions: refuseMore }, { actions: defer }] as const;

/** The exit of init waits for the operation in flight too, and comes before all else that waits. */
export const initEndsLater = {
  guard: { type: 'isInit', params: ({ event }: { event: { process: string } }) => event.process },
  actions: [
    { type: 'deferFirst', params: ({ event }: { event: ProcessExited }) => event },
    { type: 'noteExit', params: ({ event }: { event: ProcessExited }) => event.exit },
  ],
} as const;

/** Init has ended. */
export const initEnds = {
  guard: { type: 'isInit', params: ({ event }: { event: { process: string } }) => event.process },
  target: '#container.exited',
  actions: [
    { type: 'noteExit', params: ({ event }: { event: ProcessExited }) => event.exit },
    { type: 'forgetProcess', params: ({ event }: { event: ProcessExited }) => event.process },
  ],
} as const;

/** A request for the process that has the pid asked for. */
export const toProcess = [
  {
    guard: { type: 'hasProcess', params: ({ event }: { event: { pid: number } }) => event.pid },
    actions: {
      type: 'toProcess',
      params: ({ event }: { event: SignalRequest | UpdateProcessRequest }) => event,
    },
  },
  { actions: refuse('processNotFound') },
] as const;

/** KILL for init, which a frozen process would never see. */
export const killsInit = {
  type: 'killsInit',
  params: ({ event }: { event: SignalRequest }) => event,
} as const;

/** Signals are delivered at once, but for the KILL that would have to thaw what an operation freezes or has frozen. */
export const toProcessOrKillLater = [
  {
    guard: { type: 'killsInitThoughFull', params: ({ event }: { event: SignalRequest }) => event },
    actions: refuseMore,
  },
  { guard: killsInit, actions: defer },
  ...toProcess,
] as const;

/** An update that changes no status is its signal, or nothing at all. */
export const signalOrNothing = [
  {
    guard: { type: 'signals', params: ({ event }: { event: UpdateRequest }) => event },
    actions: { type: 'toProcess', params: ({ event }: { event: UpdateRequest }) => signalOf(event) },
  },
  {
    actions: {
      type: 'reply',
      params: ({ event }: { event: UpdateRequest }) => ({
        requestId: event.requestId,
        outcome: succeeded(),
      }),
    },
  },
] as const;

/** The checkpoint that the operation in flight has made. */
export const publishCheckpoint = publish('checkpoint', (_event: unknown, { operation }) => ({
  checkpoint: (operation as CheckpointRequest).checkpoint,
}));

export const checkpointInput = ({ id, bundlePath, operation }: ContainerContext): CheckpointInput => ({
  id,
  bundlePath,
  checkpoint: (operation as CheckpointRequest).checkpoint,
});
export const deleteCheckpointInput = ({
  bundlePath,
  operation,
}: ContainerContext): DeleteCheckpointInput => ({
  bundlePath,
  name: (operation as DeleteCheckpointRequest).name,
});

/** Something went wrong that no client waits for. */
export const report = (what: string) =>
  ({
    type: 'report',
    params: ({ event }: { event: { error: unknown } }) => ({ what, failure: failureOf(event.error) }),
  }) as const;

/** Every request, for the states that answer all of them alike. */
export const each = <T>(answer: T) => ({
  update: answer,
  signal: answer,
  exec: answer,
  updateProcess: answer,
  checkpoint: answer,
  deleteCheckpoint: answer,
});
