import type { Exited, Key, Process, Start, Update } from '../generated/shim.ts';

/** Which process of which container. */
export type ShimKey = Key;

/** A process of the shim: host pid and the clock tick at which the kernel started it. */
export type ShimProcess = Omit<Process, 'key'> & { key: ShimKey };

/** An ended process: `status` is 128 + signal for one that a signal ended, `timestamp` unix nanoseconds. */
export type ShimExit = Omit<Exited, 'process'> & { process: ShimProcess };

/** What is to be started; the fields are those of `Start` in proto/shim.proto. */
export type ShimStart = Omit<Start, 'key'> & { key: ShimKey };

/** What is to change of a process that runs; the fields are those of `Update` in proto/shim.proto. */
export type ShimUpdate = Omit<Update, 'key'>;

export type ConnectOptions = {
  /** Path of the shim's socket, `<state-dir>/shim.sock`. */
  socketPath: string;
  /**
   * Called for each exit, never before the promises of `connectShim` and of that process's `start` have been
   * settled and looked at, and again after each connect until `ack`.
   */
  onExit: (exit: ShimExit) => void;
  /** Called once if the connection ends without `close()`: the shim died, or another daemon took over. */
  onLost: (cause: Error) => void;
};

/** A connection to the shim. Every method rejects with a `ShimError`. */
export type ShimClient = {
  /** Host pid of the shim. */
  readonly pid: number;
  /** What the shim held when the connection was made: running, or exited and not acknowledged. */
  readonly processes: readonly ShimProcess[];
  /** Starts a process; resolves once it runs (or has run: its exit may follow at once). */
  start(request: ShimStart): Promise<{ pid: number; startTime: bigint }>;
  /** Signals a process; `noProcess` if it has exited. Signal 0 only asks. */
  kill(key: ShimKey, signal: number): Promise<void>;
  /** Resizes a process's terminal, or ends its stdin. */
  update(key: ShimKey, changes: Partial<ShimUpdate>): Promise<void>;
  /** Lets the shim forget an exit. */
  ack(key: ShimKey): Promise<void>;
  /** Ends the connection; the processes go on. */
  close(): void;
};

/**
 * Connects to a running shim and says hello. Rejects with the socket's own error (ENOENT, ECONNREFUSED) where
 * there is no shim, and with a `ShimError` where it does not answer.
 */
export declare function connectShim(options: ConnectOptions): Promise<ShimClient>;
