import { setImmediate } from 'node:timers/promises';
import { SimulatedClock } from 'xstate';

/** Who is at work on a step: once it has ended, its steps are never taken. */
export type Owner = { alive: boolean };

/** Something that is about to happen in a simulated host, and waits until it is taken. */
export type Step = { what: string; owner: Owner; take: () => void };

export type StepsOptions = {
  /** How long a step takes on the simulated clock, in milliseconds. */
  latencyMs?: (what: string) => number;
  /** Told of each step as it is taken. */
  onStep?: (what: string) => void;
};

/** How much time passes at once where there is nothing to do but to wait. */
const SLEEP_MS = 1_000;

/**
 * Everything that is under way in a simulated host, one step at a time: in the order that whoever drives it chooses,
 * or, where steps have a latency, each when its time has come. Time passes only where it is let.
 */
export class Steps {
  readonly clock = new SimulatedClock();
  /** What may happen next, first asked for first. */
  readonly open = new Set<Step>();
  readonly #options: StepsOptions;
  #asleep = 0;

  constructor(options: StepsOptions = {}) {
    this.#options = options;
  }

  /** Resolves once the step is taken; never, if its owner has ended before. */
  wait(owner: Owner, what: string): Promise<void> {
    const { latencyMs, onStep } = this.#options;
    return new Promise((resolve) => {
      const step: Step = {
        what,
        owner,
        take: () => {
          this.open.delete(step);
          if (!owner.alive) return;
          onStep?.(what);
          resolve();
        },
      };
      this.open.add(step);
      if (latencyMs !== undefined) this.clock.setTimeout(step.take, latencyMs(what));
    });
  }

  /** Resolves once that much simulated time has passed. */
  async sleep(ms: number): Promise<void> {
    this.#asleep += 1;
    await new Promise<void>((resolve) => {
      this.clock.setTimeout(resolve, ms);
    });
    this.#asleep -= 1;
  }

  /** Nothing that this owner was at work on goes on. */
  end(owner: Owner): void {
    owner.alive = false;
    for (const step of this.open) if (step.owner === owner) this.open.delete(step);
  }

  /** Takes one of the steps that may come next, `at` modulo their number; false where there is none. */
  async takeAt(at: number): Promise<boolean> {
    const step = [...this.open][at % Math.max(this.open.size, 1)];
    step?.take();
    await reactions();
    return step !== undefined;
  }

  /** Lets simulated time pass, and everything react to it. */
  async pass(ms: number): Promise<void> {
    this.clock.increment(ms);
    await reactions();
  }

  /** Takes whatever comes next until nothing does, deadlines included. Throws where that has no end. */
  async toTheEnd(maxSteps = 20_000): Promise<void> {
    await reactions();
    for (let taken = 0; this.open.size + this.#asleep > 0; taken += 1) {
      const [next] = this.open;
      if (taken > maxSteps)
        throw new Error(
          `no end after ${maxSteps} steps: ${next?.what ?? `${this.#asleep} wait for a clock`}`,
        );
      if (next === undefined) await this.pass(SLEEP_MS);
      else if (this.#options.latencyMs !== undefined) await this.pass(1);
      else await this.takeAt(0);
    }
  }
}

/** Lets everything react to what has happened: all of it is promises and messages. */
export const reactions = (): Promise<void> => setImmediate();
