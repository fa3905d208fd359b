import { closeSync, constants, openSync } from 'node:fs';
import os from 'node:os';
import { crashPoint } from '../crash-point.ts';
import type { Ran, Start } from '../generated/shim.ts';
import { SystemError } from '../linux/error.ts';
import { createPipe, type Pipe } from '../linux/pipe.ts';
import { asScheduled, SCHED_BATCH } from '../linux/scheduling.ts';
import { kill } from '../linux/signal.ts';
import { posixSpawn, type SpawnOptions } from '../linux/spawn.ts';
import { ShimError } from './error.ts';
import type { Inheritance } from './inheritance.ts';
import type { Reaper } from './reaper.ts';
import type { Rush } from './rush.ts';
import type { SealedRuntimes } from './sealed-runtime.ts';
import { endOfOutput } from './stdio/output.ts';
import type { ProcessStdio } from './stdio/stdio.ts';

const KILL = 9;
const SIGNALLED = 128;

/** Where the host had no room for a process a moment ago, that says nothing of its program. */
const { EAGAIN, ENOMEM } = os.constants.errno;
const SHORTAGES: ReadonlySet<number> = new Set([EAGAIN, ENOMEM]);

/** How long a program that was killed may take to end. One in an uninterruptible sleep ends when the kernel lets it. */
const DEATH_TIMEOUT_MS = 5_000;

export type RuntimeOptions = { reaper: Reaper; inheritance: Inheritance; sealed: SealedRuntimes; rush: Rush };

/** A program and how long it may take, 0 being for ever; `argv`, `env` and `cwd` as posix_spawn(3) has them. */
export type Program = Pick<Start, 'argv' | 'env' | 'cwd' | 'timeoutMs'>;

/** The descriptors that a program gets, and what is to be done once it has them. */
type ProgramStdio = { childEnds: readonly [number, number, number]; handedOver: () => void };

/** How a program ended (128 + signal where one ended it), and by which deadline it did not. */
type Ended = { exitStatus: number; timedOut: 'no' | 'killed' | 'undead' };

/**
 * Runs the program of a `Start`, a runc that detaches, to its end, which is not that of the process it leaves behind. In a
 * rush it is scheduled as SCHED_BATCH, and so is that process, where `openExecFifo` sees to it that it does not stay so.
 * Rejects with a `ShimError`: `spawn` if it cannot be run, `runtime` if it fails, `timeout` if it takes too long and is
 * killed with all of its process group, whether that ends it or not.
 */
export async function runRuntime(
  program: Program & Pick<Start, 'startFifo'>,
  stdio: ProcessStdio,
  options: RuntimeOptions,
): Promise<void> {
  const mayWait = program.startFifo !== '';
  const { exitStatus, timedOut } = await runToEnd(program, stdio, options, mayWait);
  if (exitStatus === 0) {
    return;
  }
  const details = { exitStatus, output: stdio.runtimeOutput() };
  throw timedOut === 'no' ? failed(program, details) : tooLong(program, timedOut, details);
}

/**
 * Runs a program that leaves nothing behind, with nothing to read and one pipe for all that it writes, of which the end
 * is kept; more than a pipe holds it cannot write. Rejects with a `ShimError`: `spawn` or `timeout`, as above.
 */
export async function runCommand(program: Program, options: RuntimeOptions): Promise<Ran> {
  const nothing = openSync('/dev/null', constants.O_RDWR);
  let output: Pipe;
  try {
    output = createPipe({ read: true });
  } catch (error) {
    closeSync(nothing);
    throw error;
  }
  const handedOver = (): void => [nothing, output.write].forEach(closeSync);
  try {
    const childEnds = [nothing, output.write, output.write] as const;
    const { exitStatus, timedOut } = await runToEnd(program, { childEnds, handedOver }, options);
    const ran = { exitStatus, output: endOfOutput(output.read) };
    if (timedOut !== 'no') {
      throw tooLong(program, timedOut, ran);
    }
    return ran;
  } finally {
    closeSync(output.read);
  }
}

/** Runs the second program of a `Start`, which lets its process go. Rejects with a `ShimError`, as `runRuntime`. */
export async function runStart(
  { startArgv: argv, env, cwd, timeoutMs }: Start,
  options: RuntimeOptions,
): Promise<void> {
  const program = { argv, env, cwd, timeoutMs };
  const ran = await runCommand(program, options);
  if (ran.exitStatus !== 0) {
    throw failed(program, ran);
  }
}

async function runToEnd(
  program: Program,
  stdio: ProgramStdio,
  options: RuntimeOptions,
  mayWait = false,
): Promise<Ended> {
  const { rush } = options;
  const isMany = rush.begin();
  try {
    return await spawnAndAwait(program, stdio, options, isMany && mayWait);
  } finally {
    rush.end();
  }
}

async function spawnAndAwait(
  { argv, env, cwd, timeoutMs }: Program,
  stdio: ProgramStdio,
  { reaper, inheritance, sealed }: RuntimeOptions,
  batch: boolean,
): Promise<Ended> {
  let pid: number;
  try {
    const inherit: Inheritance = (start) =>
      batch ? asScheduled(SCHED_BATCH, () => inheritance(start)) : inheritance(start);
    pid = spawn({ argv, env, cwd, stdio: stdio.childEnds, inherit }, sealed);
  } finally {
    stdio.handedOver();
  }
  crashPoint('shim.spawned');
  return new Promise((resolve) => {
    let timedOut: Ended['timedOut'] = 'no';
    const giveUp = (): void => resolve({ exitStatus: SIGNALLED + KILL, timedOut: 'undead' });
    const timeOut = (): void => {
      timedOut = 'killed';
      killGroup(pid);
      timer = setTimeout(giveUp, DEATH_TIMEOUT_MS);
    };
    let timer = timeoutMs === 0 ? undefined : setTimeout(timeOut, timeoutMs);
    reaper.expect(pid, ({ status: exitStatus }) => {
      clearTimeout(timer);
      crashPoint('shim.ran');
      // What it has started for a container has a session of its own by then.
      if (exitStatus !== 0) {
        killGroup(pid);
      }
      resolve({ exitStatus, timedOut });
    });
  });
}

/** Kills what is left of a program that has not been reaped, and of its process group. */
function killGroup(pid: number): void {
  try {
    kill(-pid, KILL);
  } catch {
    // Nothing is left of it but the zombie.
  }
}

const failed = ({ argv }: Program, details: Ran): ShimError =>
  new ShimError('runtime', `${argv[0]} ended with status ${details.exitStatus}`, details);

function tooLong({ argv, timeoutMs }: Program, how: 'killed' | 'undead', details: Ran): ShimError {
  const still = how === 'undead' ? ', and the kernel does not let it end' : '';
  return new ShimError('timeout', `${argv[0]} was killed after ${timeoutMs} ms${still}`, details);
}

function spawn(options: Omit<SpawnOptions, 'file'>, sealed: SealedRuntimes): number {
  const file = options.argv[0] ?? '';
  const copy = sealed.of(file);
  let isSuspect = false;
  if (copy !== undefined) {
    try {
      return posixSpawn({ file: copy, ...options });
    } catch (error) {
      isSuspect = !(error instanceof SystemError && SHORTAGES.has(error.errno));
    }
  }
  try {
    const pid = posixSpawn({ file, ...options });
    if (isSuspect) sealed.giveUp(file);
    return pid;
  } catch (error) {
    throw error instanceof SystemError
      ? new ShimError('spawn', error.message, { errno: error.errno })
      : error;
  }
}
