/** How often the original's rates move. */
export const TICK_SECONDS = 5;

/**
 * An exponentially weighted moving average of events a second, over some minutes, as of Unix's load averages. It moves
 * with ticks that its owner counts.
 */
export class MovingRate {
  readonly #alpha: number;
  #uncounted = 0;
  #perSecond: number | undefined;

  constructor(minutes: number) {
    this.#alpha = 1 - Math.exp(-TICK_SECONDS / 60 / minutes);
  }

  /** Events a second, as of the last tick; 0 before the first. */
  get perSecond(): number {
    return this.#perSecond ?? 0;
  }

  mark(events: number): void {
    this.#uncounted += events;
  }

  /** Lets that many ticks pass: the first one counts what has been marked, the others find nothing. */
  tick(ticks = 1): void {
    if (ticks < 1) return;
    const instant = this.#uncounted / TICK_SECONDS;
    this.#uncounted = 0;
    const before = this.#perSecond;
    const after = before === undefined ? instant : before + this.#alpha * (instant - before);
    this.#perSecond = after * (1 - this.#alpha) ** (ticks - 1);
  }
}
