import { ContainerdError } from '../errors.ts';
import type { Launched, ShimExited } from '../machines/messages.ts';
import type { SimulatedKernel, SimulatedProcess } from './simulated-kernel.ts';
import type { Owner, Steps } from './simulated-steps.ts';

/** Which process of which container. */
export type SimulatedKey = { id: string; process: string };

export const nameOf = ({ id, process }: SimulatedKey): string => `${id}/${process}`;

type Entry =
  | { phase: 'starting'; key: SimulatedKey; outcome: Promise<SimulatedProcess> }
  | { phase: 'running'; key: SimulatedKey; process: SimulatedProcess }
  | { phase: 'exited'; key: SimulatedKey; process: SimulatedProcess; exit: ShimExited };

/** What a runc does, told to stop by nobody: it outlives who has asked for it. */
export type Job<T> = (shim: SimulatedShim) => Promise<T>;

/** The shim of a simulated host: parent of its processes, runs the runcs, and keeps exits until they are acknowledged. */
export class SimulatedShim implements Owner {
  alive = true;
  /** The daemon that hears of exits. */
  onExit: (exit: ShimExited) => void = () => {};
  readonly entries = new Map<string, Entry>();
  /** The runcs at work, but for starts, by container. */
  readonly #jobs = new Map<string, Set<Promise<unknown>>>();
  readonly #kernel: SimulatedKernel;
  readonly #steps: Steps;
  readonly #nowNs: () => string;
  readonly #onWork: (work: Promise<unknown>) => void;
  /** How to tell who waits for an answer that there will be none. */
  readonly #waiting = new Set<(why: Error) => void>();

  /** `onWork` is told of each runc that begins. */
  constructor(
    { kernel, steps, nowNs }: { kernel: SimulatedKernel; steps: Steps; nowNs: () => string },
    onWork: (work: Promise<unknown>) => void,
  ) {
    this.#kernel = kernel;
    this.#steps = steps;
    this.#nowNs = nowNs;
    this.#onWork = onWork;
  }

  /** Starts a process by a runc; rejects with what that throws, or once the shim is lost. */
  start(key: SimulatedKey, runc: Job<SimulatedProcess>): Promise<Launched> {
    if (this.entries.has(nameOf(key)))
      return Promise.reject(new ContainerdError('runtimeFailed', `start: ${nameOf(key)} exists`));
    const outcome = runc(this);
    this.#onWork(outcome);
    this.entries.set(nameOf(key), { phase: 'starting', key, outcome });
    outcome.then(
      (process) => {
        this.entries.set(nameOf(key), { phase: 'running', key, process });
        // Later than the answer to the request.
        if (process.phase === 'reaped') void this.#tell(process);
      },
      () => this.entries.delete(nameOf(key)),
    );
    return this.#unlessLost(outcome);
  }

  /** The outcome of a start that somebody else has asked for. */
  async awaitStart(key: SimulatedKey): Promise<Launched> {
    const entry = this.entries.get(nameOf(key));
    if (entry === undefined) throw new ContainerdError('runtimeFailed', 'it did not come to run');
    return entry.phase === 'starting' ? this.#unlessLost(entry.outcome) : entry.process;
  }

  /** Runs a runc to its end. */
  run<T>(id: string, runc: Job<T>): Promise<T> {
    const work = runc(this);
    const jobs = this.#jobs.get(id) ?? new Set();
    this.#jobs.set(id, jobs.add(work));
    this.#onWork(work);
    const done = () => {
      jobs.delete(work);
      if (jobs.size === 0) this.#jobs.delete(id);
    };
    work.then(done, done);
    return this.#unlessLost(work);
  }

  /** Resolves once no runc that is about this container is at work, but for starts. */
  async settle(id: string): Promise<void> {
    await Promise.allSettled(this.#jobs.get(id) ?? []);
  }

  /** Signals a process; throws where it does not run. */
  kill(key: SimulatedKey, signal: number): void {
    const entry = this.entries.get(nameOf(key));
    if (entry?.phase !== 'running' || !this.#kernel.signal(entry.process, signal))
      throw new ContainerdError('processNotFound');
  }

  acknowledge(key: SimulatedKey): void {
    if (this.entries.get(nameOf(key))?.phase === 'exited') this.entries.delete(nameOf(key));
  }

  /** Is the parent of a process that a runc has left. */
  adopt(process: SimulatedProcess): void {
    process.onEnd.push(() => void this.#reap(process));
  }

  /** Dies: what it knew is lost, and its processes are pid 1's. */
  die(): void {
    this.#steps.end(this);
    this.onExit = () => {};
    for (const process of this.#kernel.processes) if (process.phase === 'zombie') this.#kernel.reap(process);
    for (const lose of this.#waiting) lose(new ContainerdError('shimLost', 'it was killed'));
    this.#waiting.clear();
  }

  async #reap(process: SimulatedProcess): Promise<void> {
    if (!this.alive) return this.#kernel.reap(process);
    await this.#steps.wait(this, `the shim reaps ${nameOf(process)}`);
    this.#kernel.reap(process);
    const entry = this.entries.get(nameOf(process));
    if (entry?.phase === 'running' && entry.process === process) await this.#tell(process);
  }

  async #tell(process: SimulatedProcess): Promise<void> {
    await this.#steps.wait(this, `the shim tells the exit of ${nameOf(process)}`);
    const { id, process: name, pid, status } = process;
    const exit = { type: 'shim.exited', id, process: name, pid, status, unixNs: this.#nowNs() } as const;
    this.entries.set(nameOf(process), { phase: 'exited', key: process, process, exit });
    this.onExit(exit);
  }

  #unlessLost<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      work.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }
}
