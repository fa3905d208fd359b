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
import type { Failure } from '../errors.ts';
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
  ProcessEntry,
  SlotReleased,
} from './container-model.ts';
import { isAdopted } from './container-replies.ts';
import { effect } from './effect.ts';
import {
  type CreateRequest,
  type ExecRequest,
  type Exit,
  INIT,
  KILL,
  type Notice,
  type OutOfMemory,
  type ProcessSpec,
  type Reply,
  type ShimExited,
  type SignalRequest,
  type Stdio,
  type UpdateProcessRequest,
  type UpdateRequest,
} from './messages.ts';
import { processMachine } from './process.ts';
import type { LaunchInput, LaunchKind, OomInput, ProcessRunning } from './process-model.ts';

/** The name of the child that watches for OOM kills. */
export const OOM_WATCH = 'oomWatch';

/** How many processes a container may have by way of the API: a client that runs wild runs into this, not into the host. */
export const MAX_PROCESSES = 1024;

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

const isLaunching = ({ processes }: ContainerContext): boolean => processes.some((it) => it.pid === 0);

/** The signal of an update. */
export const signalOf = ({ requestId, id, signal }: UpdateRequest): SignalRequest => ({
  type: 'signal',
  requestId,
  id,
  pid: 0,
  signal,
});

const launchOf = (
  { id, bundlePath, create: { inherited } }: ContainerContext,
  process: string,
  spec: ProcessSpec,
  stdio: Stdio,
  launch: LaunchKind,
): LaunchInput => ({ id, process, bundlePath, spec, inherited, stdio, launch });

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
    /** Says `oom` when the kernel may have killed something. */
    oomWatch: fromCallback<OutOfMemory, OomInput>(() => {}),
  },
  actions: {
    // Provided where the system is composed.
    /** Answers a request. */
    reply: (_, _reply: Reply) => {},
    /** Tells subscribers and the journal. */
    publish: (_, _notice: Notice) => {},
    /** Says in the log what no client hears of. */
    report: (_, _what: { what: string; failure: Failure }) => {},
    reportStray: (_, _exited: ShimExited) => {},

    releaseSlot: sendParent(({ context }): SlotReleased => ({ type: 'slot.released', id: context.id })),

    launchInit: enqueueActions(({ context, enqueue }) => {
      const { requestId, spec, stdio, hooks, checkpoint } = context.create;
      const launch: LaunchKind =
        checkpoint === '' ? { kind: 'start', hooks } : { kind: 'restore', checkpoint };
      enqueue.assign({ processes: [{ process: INIT, requestId, spec, pid: 0, startTime: '' }] });
      enqueue.spawnChild('process', { id: INIT, input: launchOf(context, INIT, spec, stdio, launch) });
    }),
    launchExec: enqueueActions(({ context, enqueue }, { requestId, spec, stdio }: ExecRequest) => {
      const process = `exec-${context.execs + 1}`;
      const entry: ProcessEntry = { process, requestId, spec, pid: 0, startTime: '' };
      enqueue.assign({ execs: context.execs + 1, processes: [...context.processes, entry] });
      const input = launchOf(context, process, spec, stdio, { kind: 'exec' });
      enqueue.spawnChild('process', { id: process, input });
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
    /** Whoever composes the system provides another that does nothing where nobody is told of OOM kills. */
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
    /**
     * No operation is in flight any more: what waited is taken up in arrival order, and what still cannot be done waits
     * again, in the same order.
     */
    takeUp: enqueueActions(({ context: { operation, pending }, enqueue }) => {
      // There is nothing to change of a container that has just been started.
      if (operation !== null || pending.length > 0) enqueue.assign({ operation: null, pending: [] });
      for (const event of pending) enqueue.raise(event);
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
    /** An update comes to its signal, which answers it. */
    signalNext: raise((_, update: UpdateRequest) => signalOf(update)),
  },
  guards: {
    fromCheckpoint: ({ context }) => context.create.checkpoint !== '',
    isTaken: (_, { error }: Failure) => error === 'containerExists',
    isInit: (_, process: string) => process === INIT,
    launching: ({ context }) => isLaunching(context),
    pausesLater: ({ context }, { status }: UpdateRequest) => status === 'paused' && isLaunching(context),
    execsLeft: ({ context }) => context.processes.some((it) => it.process !== INIT),
    hasProcess: ({ context }, pid: number) => keyOf(context, pid) !== undefined,
    initEnded: ({ context }) => context.exit !== null,
    hasEnded: ({ context }, process: string) => process === INIT && context.exit !== null,
    /** One event a rise: it does not say how many were killed. */
    oomRises: ({ context }, { kills }: OutOfMemory) => kills > context.oomKills,
    isAdopted: ({ context }, process: string) => isAdopted(context, process),
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
    crowded: ({ context }) => context.processes.length >= MAX_PROCESSES,
  },
  delays: {
    /** For how long a container that is deleted waits for execs that outlive its init. */
    drainTimeout: 10_000,
  },
});
