import type { Failure } from '../errors.ts';
import type {
  Cancel,
  CheckpointOptions,
  CheckpointRequest,
  ContainerRequest,
  CreateRequest,
  DeleteCheckpointRequest,
  Exit,
  Notice,
  OutOfMemory,
  ProcessSpec,
  ShimExited,
  SignalRequest,
  Terminate,
  UpdateRequest,
} from './messages.ts';
import type { ProcessExited, ProcessFailed, ProcessRunning } from './process-model.ts';

/** What a container knows and hears. The chart is in container.ts. */

/** A process as `State` lists it; pid 0 while it is being launched. */
export type ProcessEntry = {
  process: string;
  /** The request that asked for it, to be answered once it runs or could not be started. */
  requestId: string;
  spec: ProcessSpec;
  pid: number;
  startTime: string;
};

/** An operation that has the container to itself. */
export type Operation = UpdateRequest | CheckpointRequest | DeleteCheckpointRequest | SignalRequest;

/** What waits until the operation in flight has ended. */
export type Deferred = ContainerRequest | Terminate | ProcessExited;

export type ContainerContext = {
  id: string;
  bundlePath: string;
  /** The request that made it. */
  create: CreateRequest;
  /** In start order, init first. */
  processes: ProcessEntry[];
  execs: number;
  operation: Operation | null;
  pending: Deferred[];
  /** How init ended, once it has, though the container may be busy still. */
  exit: Exit | null;
  initPid: number;
  /** The kernel's count of OOM kills when subscribers were last told of one. */
  oomKills: number;
  /** Why it never came to run, if so. */
  failure: Failure | null;
};

export type SlotGranted = { type: 'slot.granted' };

/** A child has come to its final state; written as the descriptor that matches it. */
type ChildDone = { type: 'xstate.done.actor.*'; actorId: string };

export type ContainerEvent =
  | ContainerRequest
  | Cancel
  | Terminate
  | SlotGranted
  | ShimExited
  | OutOfMemory
  | ProcessRunning
  | ProcessFailed
  | ProcessExited
  | ChildDone;

/** What a container tells the supervisor when it starts no longer, and when it is gone. */
export type SlotReleased = { type: 'slot.released'; id: string };
/** `told` is what subscribers are told; null for a container that never ran, of whom its client is told. */
export type ContainerGone = { id: string; told: Notice | null };

export type PauseInput = { id: string };
export type CheckpointInput = { id: string; bundlePath: string; checkpoint: CheckpointOptions };
export type DeleteCheckpointInput = { bundlePath: string; name: string };
export type KillFrozenInput = { id: string };
export type DeleteInput = { id: string };
