import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A client that polls State, as monitors do: a process of its own, for which nobody here waits. */
export class Monitor {
  readonly #child: ChildProcess;
  readonly #ended = new AbortController();
  #answers = 0;
  #polledMs = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.once('exit', () => this.#ended.abort());
    // What is said to one that has ended is not heard; nor does it answer.
    child.on('error', () => {});
  }

  /** It rests at first; until `close` is called. */
  static async of(socketPath: string): Promise<Monitor> {
    const program = ['bench/state-poller.ts', socketPath];
    // Ctrl-C does not reach it.
    const monitor = new Monitor(fork('scripts/run-ts.mjs', program, { detached: true }));
    await monitor.#said();
    return monitor;
  }

  /** How often it was answered while it polled. */
  get perSecond(): number {
    return (this.#answers / this.#polledMs) * 1000;
  }

  /** Polls while something is done. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const before = await this.#tell(true);
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.#polledMs += performance.now() - start;
      this.#answers += (await this.#tell(false)) - before;
    }
  }

  /** It ends by itself where its parent does. */
  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  /** Gives how many answers it has had so far. */
  #tell(polls: boolean): Promise<number> {
    this.#child.send(polls);
    return this.#said();
  }

  async #said(): Promise<number> {
    const [answers] = await once(this.#child, 'message', { signal: this.#ended.signal }).catch(() => {
      throw new Error('State is not polled any more');
    });
    return answers;
  }
}
