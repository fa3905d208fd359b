import { signalOf } from './container-actions.ts';
import type {
  CheckpointInput,
  ContainerContext,
  Deferred,
  DeleteCheckpointInput,
  Operation,
} from './container-model.ts';
import {
  nothingToDo,
  operationDone,
  operationFailed,
  publish,
  publishCheckpoint,
  refuseMore,
} from './container-replies.ts';
import type {
  CheckpointRequest,
  DeleteCheckpointRequest,
  SignalRequest,
  UpdateProcessRequest,
  UpdateRequest,
} from './messages.ts';
import type { ProcessExited } from './process-model.ts';
import { refuse } from './replies.ts';

/** Transitions and operations that several states of a container share. */

/** The operation that begins with this event. */
export const begin = { type: 'begin', params: ({ event }: { event: Operation }) => event } as const;

/** Keeps an event until the operation in flight has ended. */
export const defer = { type: 'defer', params: ({ event }: { event: Deferred }) => event } as const;

/** What cannot be done now waits until the operation in flight has ended. */
export const wait = [{ guard: 'full', actions: refuseMore }, { actions: defer }] as const;

/** Init has ended. */
export const initEnds = {
  guard: { type: 'isInit', params: ({ event }: { event: { process: string } }) => event.process },
  target: '#container.exited',
  actions: [
    { type: 'noteExit', params: ({ event }: { event: ProcessExited }) => event.exit },
    { type: 'forgetProcess', params: ({ event }: { event: ProcessExited }) => event.process },
  ],
} as const;

/** The exit of init waits for the operation in flight too, and comes before all else that waits. */
const initEndsLater = {
  guard: { type: 'isInit', params: ({ event }: { event: { process: string } }) => event.process },
  actions: [
    { type: 'deferFirst', params: ({ event }: { event: ProcessExited }) => event },
    { type: 'noteExit', params: ({ event }: { event: ProcessExited }) => event.exit },
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
const toProcessOrKillLater = [
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
  { actions: nothingToDo },
] as const;

/** What is not kept for later while an operation has the container to itself. */
export const duringOperation = { 'process.exited': initEndsLater } as const;
/** The same while it is frozen, or comes to be or to be no longer. */
export const whileFrozen = { ...duringOperation, signal: toProcessOrKillLater } as const;

/** What every effect on a container as a whole is given. */
const itself = ({ context }: { context: ContainerContext }) => ({ id: context.id });

/** The container comes to another status: an update goes on to its signal, if it has one. */
const updated = <T extends string>(target: T, notice: 'pause' | 'resume') =>
  [
    {
      guard: 'operationSignals',
      target,
      actions: [
        publish(notice),
        {
          type: 'signalNext',
          params: ({ context }: { context: ContainerContext }) => context.operation as UpdateRequest,
        },
      ],
    },
    { target, actions: [publish(notice), operationDone] },
  ] as const;

const orSteady = { target: 'steady', actions: operationFailed } as const;

export const pauseIt = {
  src: 'pause',
  input: itself,
  onDone: updated('#container.paused', 'pause'),
  onError: orSteady,
} as const;

export const resumeIt = {
  src: 'resume',
  input: itself,
  onDone: updated('#container.running', 'resume'),
  onError: orSteady,
} as const;

export const writeCheckpoint = {
  src: 'checkpoint',
  input: ({ context: { id, bundlePath, operation } }: { context: ContainerContext }): CheckpointInput => ({
    id,
    bundlePath,
    checkpoint: (operation as CheckpointRequest).checkpoint,
  }),
  onDone: [
    {
      guard: 'checkpointExits',
      target: '#container.checkpointed',
      actions: [publishCheckpoint, operationDone],
    },
    { target: 'steady', actions: [publishCheckpoint, operationDone] },
  ],
  onError: orSteady,
} as const;

export const removeCheckpoint = {
  src: 'deleteCheckpoint',
  input: ({ context: { bundlePath, operation } }: { context: ContainerContext }): DeleteCheckpointInput => ({
    bundlePath,
    name: (operation as DeleteCheckpointRequest).name,
  }),
  onDone: { target: 'steady', actions: operationDone },
  onError: orSteady,
} as const;
