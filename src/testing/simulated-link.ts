import { ContainerdError, failureOf } from '../errors.ts';
import type { Launched, ShimExited } from '../machines/messages.ts';
import type { SimulatedHost } from './simulated-host.ts';
import type { SimulatedProcess } from './simulated-kernel.ts';
import { type Job, nameOf, type SimulatedKey, type SimulatedShim } from './simulated-shim.ts';
import type { Owner } from './simulated-steps.ts';

/** An exit of which nobody knows the status. */
export const UNKNOWN_STATUS = 255;

type Known = SimulatedKey & Launched;

export const isLost = (error: unknown): boolean => failureOf(error).error === 'shimLost';

/**
 * A daemon's connection to the shim, whichever it is. Processes whose shim is lost are watched and signalled by
 * pidfd. Whatever it is asked is never settled once the daemon has ended.
 */
export class SimulatedLink {
  /** What the shim held when the connection was made. */
  readonly found: ReadonlyMap<string, 'starting' | Known>;
  /** Resolves once the daemon has heard of the exits that the shim had kept. */
  readonly caughtUp: Promise<void>;
  readonly #host: SimulatedHost;
  readonly #daemon: Owner;
  readonly #onExit: (exit: ShimExited) => void;
  /** What the shim runs, by name: who they are once it is lost. */
  readonly #running = new Map<string, Known>();
  readonly #orphans = new Map<string, SimulatedProcess>();
  #shim: SimulatedShim;

  constructor(host: SimulatedHost, daemon: Owner, onExit: (exit: ShimExited) => void) {
    this.#host = host;
    this.#daemon = daemon;
    this.#onExit = onExit;
    this.#shim = this.#connect();
    const entries = [...this.#shim.entries.values()];
    this.found = new Map(
      entries.map((it) => [nameOf(it.key), it.phase === 'starting' ? 'starting' : it.process]),
    );
    for (const it of entries) {
      if (it.phase !== 'starting') this.#note(it.key, it.process);
    }
    this.caughtUp = Promise.all(
      entries.map(async (it) => {
        if (it.phase !== 'exited') return;
        await host.steps.wait(daemon, `the shim tells again the exit of ${nameOf(it.key)}`);
        if (this.#running.has(nameOf(it.key))) this.#exited(it.exit);
      }),
    ).then(() => {});
  }

  /** The shim has died: there is another, and what it had left are orphans. */
  replace(): void {
    const left = [...this.#running.values()];
    this.#running.clear();
    this.#shim = this.#connect();
    for (const process of left) this.watchOrphan(process);
  }

  async start(key: SimulatedKey, runc: Job<SimulatedProcess>): Promise<Launched> {
    return this.#note(key, await this.#heard(this.#shim.start(key, runc)));
  }

  async awaitStart(key: SimulatedKey): Promise<Launched> {
    return this.#note(key, await this.#heard(this.#shim.awaitStart(key)));
  }

  run<T>(id: string, runc: Job<T>): Promise<T> {
    return this.#heard(this.#shim.run(id, runc));
  }

  /** Resolves once no runc that is about this container is at work, a lost shim's included. */
  async settle(id: string): Promise<void> {
    await this.#heard(this.#shim.settle(id));
    await this.settleLost();
  }

  kill(key: SimulatedKey, signal: number): void {
    const orphan = this.#orphans.get(nameOf(key));
    if (orphan === undefined) this.#shim.kill(key, signal);
    else if (!this.#host.kernel.signal(orphan, signal)) throw new ContainerdError('processNotFound');
  }

  isOrphan(key: SimulatedKey): boolean {
    return this.#orphans.has(nameOf(key));
  }

  acknowledge(key: SimulatedKey): void {
    this.#shim.acknowledge(key);
  }

  /** Watches a process that no shim can reap, and tells its end, at once if it has ended. */
  watchOrphan({ id, process, pid, startTime }: Known): void {
    const found = this.#host.kernel.find(pid, startTime);
    const name = nameOf({ id, process });
    const end = () => {
      this.#orphans.delete(name);
      this.#onExit({ type: 'shim.exited', id, process, pid, status: UNKNOWN_STATUS, unixNs: '' });
    };
    if (found === undefined) {
      end();
      return;
    }
    this.#orphans.set(name, found);
    const seen = () => this.#host.steps.wait(this.#daemon, `the daemon sees the end of ${name}`);
    found.onEnd.push(() => void seen().then(end));
  }

  /** Resolves with what is promised, unless the daemon has ended before. */
  #heard<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.#daemon.alive && resolve(value),
        (error) => this.#daemon.alive && reject(error),
      );
    });
  }

  settleLost(): Promise<void> {
    return this.#heard(this.#host.settleLost());
  }

  #connect(): SimulatedShim {
    const shim = this.#host.ensureShim();
    shim.onExit = (exit) => this.#exited(exit);
    return shim;
  }

  #exited(exit: ShimExited): void {
    if (!this.#daemon.alive) return;
    this.#running.delete(nameOf(exit));
    this.#onExit(exit);
  }

  #note({ id, process }: SimulatedKey, { pid, startTime }: Launched): Launched {
    this.#running.set(nameOf({ id, process }), { id, process, pid, startTime });
    return { pid, startTime };
  }
}
