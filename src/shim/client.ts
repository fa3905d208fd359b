import { connect, type Socket } from 'node:net';
import type { Exited, Key, Process, Ran, Run, Start, Update } from '../generated/shim.ts';
import { createDialogue } from './dialogue.ts';
import { ShimError } from './error.ts';
import { type Body, VERSION } from './frames.ts';

/** A shim that takes longer to say who it is does not work. */
const WELCOME_TIMEOUT_MS = 10_000;

/** Which process of which container. */
export type ShimKey = Key;

/** A process of the shim: host pid and the clock tick at which the kernel started it. */
export type ShimProcess = Omit<Process, 'key'> & { key: ShimKey };

/** An ended process: `status` is 128 + signal for one that a signal ended, `timestamp` unix nanoseconds. */
export type ShimExit = Omit<Exited, 'process'> & { process: ShimProcess };

/** What is to be started; the fields are those of `Start` in proto/shim.proto. */
export type ShimStart = Omit<Start, 'key'> & { key: ShimKey };

/** Who has been started, and why that could not be written down; empty where it was, or nobody asked for it. */
export type ShimStarted = { pid: number; startTime: bigint; unwritten: string };

/** What is to change of a process that runs; the fields are those of `Update` in proto/shim.proto. */
export type ShimUpdate = Omit<Update, 'key'>;

/** A program to be run to its end; the fields are those of `Run` in proto/shim.proto. */
export type ShimRun = Run;

/** How it ended (128 + signal where one ended it), and the end of what it wrote. */
export type ShimRan = Ran;

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
  /** The version of proto/shim.proto that both sides keep to. */
  readonly version: number;
  /** Host pid of the shim. */
  readonly pid: number;
  /** What the shim held when the connection was made: running, or exited and not acknowledged. */
  readonly processes: readonly ShimProcess[];
  /** Starts in flight then, which an earlier connection asked for: see `awaitStart`. */
  readonly starting: readonly ShimKey[];
  /** Starts a process; resolves once it runs (or has run: its exit may follow at once). */
  start(request: ShimStart): Promise<ShimStarted>;
  /**
   * The outcome of a start that an earlier connection asked for, as `start` would have given it. `noProcess` if it has
   * failed before this was asked.
   */
  awaitStart(key: ShimKey): Promise<ShimStarted>;
  /** Runs a program to its end; how it ends is not judged. */
  run(request: ShimRun): Promise<ShimRan>;
  /** Resolves once no program that is about this container is being run, an earlier connection's included. */
  settle(container: string): Promise<void>;
  /** Signals a process; `noProcess` if it has exited. Signal 0 only asks. */
  kill(key: ShimKey, signal: number): Promise<void>;
  /** Resizes a process's terminal, or ends its stdin. */
  update(key: ShimKey, changes: Partial<ShimUpdate>): Promise<void>;
  /** Lets the shim forget an exit. */
  ack(key: ShimKey): Promise<void>;
  /** Ends the connection; the processes go on. */
  close(): void;
};

/** Resolves with the connection once it is there; rejects with the socket's own error. */
function open(socketPath: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function processOf(process: Process | undefined): ShimProcess {
  if (process?.key === undefined) {
    throw new ShimError('lost', 'the shim speaks of a process without saying which');
  }
  return { ...process, key: process.key };
}

/**
 * Connects to a running shim and says hello. Rejects with the socket's own error (ENOENT, ECONNREFUSED) where
 * there is no shim, and with a `ShimError` where one hangs up (`lost`) or does not answer (`timeout`).
 */
export async function connectShim({ socketPath, onExit, onLost }: ConnectOptions): Promise<ShimClient> {
  const socket = await open(socketPath);
  let closed = false;
  let welcomed = false;
  const connection = createDialogue(
    socket,
    (body) => {
      if (body.$case === 'exited' && !closed) {
        onExit({ ...body.value, process: processOf(body.value.process) });
      }
    },
    (cause) => {
      if (welcomed && !closed) {
        onLost(cause);
      }
    },
  );
  const tooLate = new ShimError('timeout', `the shim does not answer within ${WELCOME_TIMEOUT_MS} ms`);
  const timer = setTimeout(() => connection.end(tooLate), WELCOME_TIMEOUT_MS);
  const hello = { $case: 'hello', value: { version: VERSION } } as const;
  const { value: welcome } = await connection.request(hello, 'welcome').finally(() => clearTimeout(timer));
  welcomed = true;

  const started = async (body: Body): Promise<ShimStarted> => {
    const { value } = await connection.request(body, 'started');
    const { pid, startTime } = processOf(value.process);
    return { pid, startTime, unwritten: value.unwritten };
  };
  const done = async (body: Body): Promise<void> => {
    await connection.request(body, 'done');
  };
  return {
    version: Math.min(VERSION, welcome.version),
    pid: welcome.pid,
    processes: welcome.processes.map(processOf),
    starting: welcome.starting,
    start: (request) => started({ $case: 'start', value: request }),
    awaitStart: (key) => started({ $case: 'await', value: { key } }),
    run: async (request) => (await connection.request({ $case: 'run', value: request }, 'ran')).value,
    settle: (container) => done({ $case: 'settle', value: { container } }),
    kill: (key, signal) => done({ $case: 'kill', value: { key, signal } }),
    update: (key, { closeStdin = false, width = 0, height = 0 }) =>
      done({ $case: 'update', value: { key, closeStdin, width, height } }),
    ack: (key) => done({ $case: 'ack', value: { key } }),
    close() {
      closed = true;
      connection.end(new ShimError('lost', 'the connection to the shim has been closed'));
    },
  };
}
