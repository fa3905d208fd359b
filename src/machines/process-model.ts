import type { Failure } from '../errors.ts';
import type { RequestDone, RequestFailed, TerminateDone, TerminateFailed } from './effect.ts';
import type {
  Exit,
  Inherited,
  Launched,
  ProcessSpec,
  ShimExited,
  SignalRequest,
  Stdio,
  Terminate,
  UpdateProcessRequest,
} from './messages.ts';

/** What a process knows, hears and says. The chart is in process.ts. */

/** What is to run: the bundle's own process, the one in a checkpoint, or another one beside init. */
export type LaunchKind =
  | { kind: 'start'; hooks: boolean }
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

export type ProcessContext = LaunchInput & {
  launched: Launched;
  /** Whose exit is known, which the shim tells again until it is acknowledged: it may be that of a former one of this name. */
  reaped: number;
  exit: Exit;
  /** Requests whose effect is in flight. */
  unanswered: string[];
};

export type ProcessEvent =
  | ShimExited
  | SignalRequest
  | UpdateProcessRequest
  | Terminate
  | RequestDone
  | RequestFailed
  | TerminateDone
  | TerminateFailed;
