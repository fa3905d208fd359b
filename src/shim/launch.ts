import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { type ConnectOptions, connectShim, type ShimClient } from './client.ts';
import { ShimError } from './error.ts';
import { ALREADY_SERVED, logPathIn, socketPathIn } from './places.ts';

export type LaunchOptions = Omit<ConnectOptions, 'socketPath'> & {
  /** The state directory, which exists; the shim's socket, lock and log are in it. */
  stateDir: string;
  /** Program and arguments that run the shim, the program's path absolute; `--state-dir` is added. */
  program: readonly string[];
  /** Its environment; CONTAINERD_NOFILE (`soft:hard`) is the descriptor limit that containers are to have. */
  env: Readonly<Record<string, string | undefined>>;
};

/** A shim that leaves while we connect, or one that another daemon starts at the same moment, takes a second look. */
const ATTEMPTS = 5;

/** How much of the log of a shim that could not be started its error carries. */
const LOG_END_BYTES = 2048;

/** The descriptor on which the shim tells that it listens. */
const READY_FD = 3;

/**
 * Connects to the shim of a state directory; starts it first, in a session of its own, where none runs.
 * Rejects with a `ShimError`: `spawn`, with the end of its log as `output`, if it cannot be started; `timeout`
 * if one runs but does not answer.
 */
export async function ensureShim(options: LaunchOptions): Promise<ShimClient> {
  const { stateDir, onExit, onLost } = options;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const client = await connectShim({ socketPath: socketPathIn(stateDir), onExit, onLost }).catch(absent);
    if (client !== undefined) {
      return client;
    }
    await launch(options);
  }
  throw new ShimError('spawn', `no shim stays with the state directory ${stateDir}`);
}

/** Nobody listens, or whoever did was about to leave. */
function absent(error: unknown): undefined {
  const leaving = error instanceof ShimError && error.reason === 'lost';
  const { code = '' } = error as NodeJS.ErrnoException;
  if (!leaving && !['ENOENT', 'ECONNREFUSED', 'ECONNRESET'].includes(code)) {
    throw error;
  }
}

/** Starts a shim and resolves once it listens, or once it has found that another does. */
async function launch({ stateDir, program, env }: LaunchOptions): Promise<void> {
  const [file = '', ...programArguments] = program;
  const argv = [...programArguments, '--state-dir', stateDir, '--ready-fd', String(READY_FD)];
  const log = await open(logPathIn(stateDir), 'a+', 0o600);
  try {
    const { size: logStart } = await log.stat();
    const child = spawn(file, argv, {
      detached: true,
      cwd: '/',
      env: { ...env },
      stdio: ['ignore', 'ignore', log.fd, 'pipe'],
    });
    const exit = once(child, 'exit').catch((error: Error) => [error.message, null]);
    // Out of descriptors, Node gives none, and says why later.
    const [ready] = (child.stdio as (Readable | null)[] | undefined)?.slice(READY_FD) ?? [];
    if (ready && (await saysSomething(ready))) {
      // It outlives this process, which need not wait for it.
      child.unref();
      return;
    }
    const [status, signal] = await exit;
    if (status !== ALREADY_SERVED) {
      const output = await endOf(log, logStart);
      throw new ShimError('spawn', `the shim ended before it listened: ${signal ?? status}`, { output });
    }
  } finally {
    await log.close();
  }
}

/** Whether anything comes out of a stream before it closes. */
function saysSomething(stream: Readable): Promise<boolean> {
  return new Promise((resolve) => {
    stream.once('data', () => {
      resolve(true);
      stream.destroy();
    });
    stream.once('close', () => resolve(false));
  });
}

/** The last of what has been written to a log since it had the size `startBytes`, or has been emptied since. */
async function endOf(log: FileHandle, startBytes: number): Promise<string> {
  const { size } = await log.stat();
  const position = Math.max(size < startBytes ? 0 : startBytes, size - LOG_END_BYTES);
  const { buffer, bytesRead } = await log.read({ buffer: Buffer.alloc(size - position), position });
  return buffer.toString('utf8', 0, bytesRead);
}
