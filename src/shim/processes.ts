import { constants } from 'node:os';
import { crashPoint } from '../crash-point.ts';
import type { Exited, Key, Start, Started, Update } from '../generated/shim.ts';
import { bootTick } from '../linux/clock.ts';
import { SystemError } from '../linux/error.ts';
import { processStat, readProcessStat } from '../linux/process-stat.ts';
import { kill } from '../linux/signal.ts';
import { atMost } from '../patience.ts';
import type { ShimProcess } from './client.ts';
import { ShimError } from './error.ts';
import { openExecFifo } from './exec-fifo.ts';
import { endLeftovers, leftoversIn } from './leftovers.ts';
import { readPidFile } from './pid-file.ts';
import type { ReapedProcess, Reaper } from './reaper.ts';
import { noteStarted, writeDown } from './record.ts';
import type { ProcessStdio } from './stdio/stdio.ts';
import type { Strays, StrayWatch } from './strays.ts';

/** How long an exit waits for what its process has written to reach a client that does not read. */
const DELIVERY_TIMEOUT_MS = 1_000;

/** How long the process of a start may still have a parent between itself and the shim, once its runtime has ended. */
const ADOPTION_TIMEOUT_MS = 1_000;

/** Who has been started, and what else there is to say of that. */
type Outcome = Started & { process: ShimProcess };

/** What becomes of a process, from the request for it until the daemon has taken note of its exit. */
type Entry =
  | { phase: 'starting'; key: Key; outcome: Promise<Outcome> }
  | { phase: 'running' | 'ending'; process: ShimProcess; stdio: ProcessStdio }
  | { phase: 'exited'; process: ShimProcess; exit: Exited };
type Running = Extract<Entry, { phase: 'running' | 'ending' }>;

export type ProcessesOptions = {
  reaper: Reaper;
  strays: Strays;
  openStdio: (request: Start, key: Key) => Promise<ProcessStdio>;
  /** Runs the program of a start to its end; rejects if it leaves no process behind. */
  run: (request: Start, stdio: ProcessStdio) => Promise<void>;
  /** Lets the process go that waits for it, by a program. */
  runStart: (request: Start) => Promise<void>;
  /** A process has ended, and what it had written has been passed on as far as anyone read it. */
  onExited: (exit: Exited) => void;
  /** Something that was there is there no more. */
  onLess: () => void;
};

/** Every process of the shim, by its key. */
export class Processes {
  readonly #options: ProcessesOptions;
  readonly #entries = new Map<string, Entry>();
  /** Processes, exited ones included, whose stdio is still copied. */
  #copying = 0;

  constructor(options: ProcessesOptions) {
    this.#options = options;
  }

  /** Starts a process and says who it is; its exit is told later, if at once. Rejects with a `ShimError`. */
  start(key: Key, request: Start): Promise<Outcome> {
    const name = nameOf(key);
    const other = this.#entries.get(name);
    if (other !== undefined) {
      const how = other.phase === 'exited' ? 'has ended, and its exit is not acknowledged' : 'exists';
      throw new ShimError('exists', `${key.process} of ${key.container} ${how}`);
    }
    const outcome = this.#launch(key, request);
    this.#entries.set(name, { phase: 'starting', key, outcome });
    outcome.catch(() => {
      this.#forget(name);
    });
    return outcome;
  }

  /** The outcome of a start that somebody else has asked for. */
  async awaitStart(key: Key): Promise<Outcome> {
    const entry = this.#entries.get(nameOf(key));
    if (entry === undefined) {
      throw noProcess(key, 'is not there');
    }
    return entry.phase === 'starting' ? entry.outcome : { process: entry.process, unwritten: '' };
  }

  kill(key: Key, signal: number): void {
    const { process } = this.#running(key);
    try {
      kill(process.pid, signal);
    } catch (error) {
      throw kernelError(error);
    }
  }

  update(key: Key, { closeStdin, width, height }: Update): void {
    const { stdio } = this.#running(key);
    try {
      if (width !== 0 || height !== 0) {
        stdio.resize({ width, height });
      }
      if (closeStdin) {
        stdio.closeStdin();
      }
    } catch (error) {
      throw kernelError(error);
    }
  }

  /** Forgets an exit; one that is forgotten already is no error. */
  acknowledge(key: Key): void {
    const name = nameOf(key);
    const entry = this.#entries.get(name);
    if (entry !== undefined && entry.phase !== 'exited') {
      throw noProcess(key, 'has not exited');
    }
    this.#forget(name);
  }

  /** Starts in flight. */
  starting(): Key[] {
    return [...this.#entries.values()].flatMap((entry) => (entry.phase === 'starting' ? [entry.key] : []));
  }

  /** Processes that have been started and whose exit has not been acknowledged. */
  started(): ShimProcess[] {
    return [...this.#entries.values()].flatMap((entry) =>
      entry.phase === 'starting' ? [] : [entry.process],
    );
  }

  /** Exits that have not been acknowledged. */
  exits(): Exited[] {
    return [...this.#entries.values()].flatMap((entry) => (entry.phase === 'exited' ? [entry.exit] : []));
  }

  /** Whether there is anything left to do. */
  get busy(): boolean {
    return this.#entries.size > 0 || this.#copying > 0;
  }

  async #launch(key: Key, request: Start): Promise<Outcome> {
    const { reaper, strays, openStdio, run } = this.#options;
    crashPoint('shim.start-asked');
    if (request.record !== undefined) {
      writeDown(request.record);
    }
    const stdio = await openStdio(request, key);
    crashPoint('shim.stdio-open');
    const watch = strays.watch();
    const begunAt = bootTick();
    try {
      await run(request, stdio);
      const pid = await readPidFile(request.pidFile);
      crashPoint('shim.pid-read');
      let startTime = watch.find(pid)?.startTime ?? childStartTime(pid);
      if (startTime === undefined) {
        await atMost(ADOPTION_TIMEOUT_MS, adoption(pid, reaper));
        startTime = watch.find(pid)?.startTime ?? startTimeOfChild(pid);
      }
      // A runtime may write down whatever it likes: another container's process is not to be taken for this one's.
      if (reaper.expects(pid) || startTime < begunAt) {
        throw new ShimError('runtime', `the runtime has left process ${pid}, which it did not start`);
      }
      if (request.startArgv.length > 0 || request.startFifo !== '') {
        stdio.prepare();
        crashPoint('shim.prepared');
        await this.#letGo(request, pid, watch);
        crashPoint('shim.let-go');
      }
      const process = { key, pid, startTime };
      const unwritten = request.startedFile === '' ? '' : noteStarted(request.startedFile, process);
      this.#begin({ phase: 'running', process, stdio }, watch.find(pid));
      crashPoint('shim.begun');
      return { process, unwritten };
    } catch (error) {
      crashPoint('shim.start-failed');
      stdio.abandon();
      this.#endLeftovers(key, begunAt);
      throw error;
    } finally {
      watch.close();
    }
  }

  /** Lets the process go that the program of a start has made wait. */
  async #letGo(request: Start, pid: number, watch: StrayWatch): Promise<void> {
    const { startFifo: fifo, timeoutMs } = request;
    const isLetGo = fifo !== '' && (await openExecFifo({ pid, fifo, watch, timeoutMs }));
    // It says what is wrong where there is nothing to open.
    if (!isLetGo) await this.#options.runStart(request);
  }

  /** Of an exec that has failed; what is left of a container's start goes with its cgroup. */
  #endLeftovers({ container }: Key, begunAt: bigint): void {
    const { reaper } = this.#options;
    const init = this.#entries.get(nameOf({ container, process: 'init' }));
    if (init?.phase !== 'running') {
      return;
    }
    const left = leftoversIn(init.process.pid, begunAt, reaper);
    if (left.length === 0) {
      return;
    }
    // One of them may be another exec's, whose pid is just being read.
    const others = [...this.#entries.values()].flatMap((entry) =>
      entry.phase === 'starting' && entry.key.container === container ? [entry.outcome] : [],
    );
    void Promise.allSettled(others).then(() => endLeftovers(left, reaper));
  }

  #begin(entry: Running, exit: ReapedProcess | undefined): void {
    const { process, stdio } = entry;
    this.#entries.set(nameOf(process.key), entry);
    if (exit === undefined) {
      this.#options.reaper.expect(process.pid, (exit) => this.#ended(entry, exit));
    } else {
      entry.phase = 'ending';
      // Later than the reply to the request.
      setImmediate(() => this.#ended(entry, exit));
    }
    this.#copying += 1;
    stdio.begin(() => {
      this.#copying -= 1;
      this.#options.onLess();
    });
  }

  async #ended(entry: Running, { status, timestamp }: ReapedProcess): Promise<void> {
    const { process, stdio } = entry;
    entry.phase = 'ending';
    crashPoint('shim.reaped');
    await atMost(DELIVERY_TIMEOUT_MS, stdio.delivered());
    crashPoint('shim.delivered');
    const exit = { process, status, timestamp };
    this.#entries.set(nameOf(process.key), { phase: 'exited', process, exit });
    this.#options.onExited(exit);
    crashPoint('shim.exit-told');
  }

  #running(key: Key): Running {
    const entry = this.#entries.get(nameOf(key));
    if (entry?.phase !== 'running') {
      throw noProcess(key, 'does not run');
    }
    return entry;
  }

  #forget(name: string): void {
    this.#entries.delete(name);
    this.#options.onLess();
  }
}

const nameOf = ({ container, process }: Key): string => `${container}\0${process}`;

/** What is between the shim and a process that is its grandchild still. */
function parentBetween(pid: number): number | undefined {
  const parentPid = processStat(pid)?.parentPid ?? process.pid;
  const isBetween = parentPid !== process.pid && processStat(parentPid)?.parentPid === process.pid;
  return isBetween ? parentPid : undefined;
}

/**
 * `crun run --detach` (1.8) forks and ends while the fork, whose child the process is, has a few instructions to go still:
 * resolves once that has ended too, and the process is the shim's own child.
 */
async function adoption(pid: number, reaper: Reaper): Promise<void> {
  for (let parent = parentBetween(pid); parent !== undefined; parent = parentBetween(pid)) {
    const between = parent;
    // Somebody's, whose child is no business of this start's.
    if (reaper.expects(between)) return;
    await new Promise<void>((resolve) => reaper.expect(between, () => resolve()));
  }
}

/** When the kernel started a child of the shim; undefined where it is none. Throws where there is no telling. */
function childStartTime(pid: number): bigint | undefined {
  const stat = readProcessStat(pid);
  return stat?.parentPid === process.pid ? stat.startTime : undefined;
}

function startTimeOfChild(pid: number): bigint {
  const startTime = childStartTime(pid);
  if (startTime === undefined) {
    throw new ShimError('runtime', `the runtime has left process ${pid}, which is no child of the shim`);
  }
  return startTime;
}

function noProcess({ container, process }: Key, what: string): ShimError {
  return new ShimError('noProcess', `${process} of ${container} ${what}`, { errno: constants.errno.ESRCH });
}

function kernelError(error: unknown): unknown {
  return error instanceof SystemError
    ? new ShimError('kernel', error.message, { errno: error.errno })
    : error;
}
