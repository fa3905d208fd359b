import type { Failure } from '../errors.ts';

/**
 * What actors say to each other. All of it is plain data: it is journalled, inspected and replayed.
 * Requests go down (server → supervisor → container → process), exits come up from the shim the same way, and
 * each request is answered once by a `Reply` that carries its `requestId`.
 */

/** Where a process reads and writes; paths on the host, empty for /dev/null. */
export type Stdio = { stdin: string; stdout: string; stderr: string; console: string };

export type User = { uid: number; gid: number; additionalGids: number[] };

/** What runs: as the client asked for it, or as the bundle's config.json has it. */
export type ProcessSpec = { terminal: boolean; user: User; args: string[]; env: string[]; cwd: string };

/**
 * What an exec takes from the container's own process where it is silent: `process` of the bundle's config.json
 * without what each process says for itself (capabilities, rlimits, …), and its `PATH=…`, empty if it has none.
 */
export type Inherited = { process: Record<string, unknown>; path: string };

/** A checkpoint's name and the flags it is made with. */
export type CheckpointOptions = {
  name: string;
  exit: boolean;
  tcp: boolean;
  unixSockets: boolean;
  shell: boolean;
};

/** The name of a container's first process; its other processes are `exec-1`, `exec-2`, … */
export const INIT = 'init';

/** Numbers of signals (signal(7)). */
export const TERM = 15;
export const KILL = 9;

/** Host pid and the clock tick at which the kernel started it (field 22 of /proc/<pid>/stat, in decimal). */
export type Launched = { pid: number; startTime: string };

/**
 * An ended process: 128 + signal for one that a signal ended; `unixNs` (decimal) is when it was reaped. `unknown` where
 * nobody can say how it ended: the status is 255 then.
 */
export type Exit = { status: number; unixNs: string; unknown?: true };
export const UNKNOWN_EXIT = { status: 255, unknown: true } as const;

/** Asks for a container; answered once its init runs. */
export type CreateRequest = {
  type: 'create';
  requestId: string;
  id: string;
  bundlePath: string;
  stdio: Stdio;
  /** The bundle's own process. */
  spec: ProcessSpec;
  inherited: Inherited;
  /** Whether the bundle has hooks. */
  hooks: boolean;
  /** Name of the checkpoint to restore from; empty for a fresh start. */
  checkpoint: string;
};
export type UpdateRequest = {
  type: 'update';
  requestId: string;
  id: string;
  status: '' | 'running' | 'paused';
  signal: number;
};
export type SignalRequest = { type: 'signal'; requestId: string; id: string; pid: number; signal: number };
export type ExecRequest = { type: 'exec'; requestId: string; id: string; spec: ProcessSpec; stdio: Stdio };
export type UpdateProcessRequest = {
  type: 'updateProcess';
  requestId: string;
  id: string;
  pid: number;
  closeStdin: boolean;
  width: number;
  height: number;
};
export type CheckpointRequest = {
  type: 'checkpoint';
  requestId: string;
  id: string;
  checkpoint: CheckpointOptions;
};
export type DeleteCheckpointRequest = {
  type: 'deleteCheckpoint';
  requestId: string;
  id: string;
  name: string;
};

/** What a client asks of a container that exists. */
export type ContainerRequest =
  | UpdateRequest
  | SignalRequest
  | ExecRequest
  | UpdateProcessRequest
  | CheckpointRequest
  | DeleteCheckpointRequest;

export type Request = CreateRequest | ContainerRequest;

/**
 * The process that made a client's connection: pid (0 for one that cannot be seen from here) and uid by the kernel's
 * word, the program by its own, empty where it was gone.
 */
export type Peer = { pid: number; uid: number; program: string };

/** Who asked, by which method of the API. */
export type Client = { method: string; peer: Peer | undefined };

/** A request that comes from a client. That is for a reader of the history alone: no chart knows of it. */
export type Asked = Request & { client?: Client };

/** The client that asked has gone away. */
export type Cancel = { type: 'cancel'; requestId: string; id: string };

/** The shim reaped a process. */
export type ShimExited = { type: 'shim.exited'; id: string; process: string; pid: number } & Exit;

/** How many processes of a container the kernel has killed for want of memory, since the container began. */
export type OutOfMemory = { type: 'oom'; kills: number };

/** The daemon ends: TERM first, KILL for what is left. */
export type Terminate = { type: 'terminate'; signal: number };

/** How a request ended. */
export type Outcome = { ok: true; pid: number } | { ok: false; failure: Failure };

/** The answer to a request. */
export type Reply = { requestId: string; outcome: Outcome };

export const succeeded = (pid = 0): Outcome => ({ ok: true, pid });
export const refused = (failure: Failure): Outcome => ({ ok: false, failure });

/** Something that subscribers of `Events` and the journal are told. */
export type Notice = {
  type: 'start' | 'exit' | 'oom' | 'pause' | 'resume' | 'checkpoint' | 'exec' | 'undone';
  id: string;
  /** `init`, or the name of an exec; empty where nobody knows its name any more. */
  process: string;
  pid: number;
  status: number;
  /** When it happened, in unix nanoseconds (decimal); empty: now. */
  unixNs: string;
  checkpoint?: CheckpointOptions;
  /** Of an OOM: the kernel's count of kills in the container. */
  kills?: number;
  /** Of an exit: nobody can say how the process ended. */
  unknown?: true;
  /** Of what a former daemon has begun, and this one has found done. */
  adopted?: true;
  /** Of what a former daemon has begun and this one has undone: what went wrong. */
  why?: string;
};
