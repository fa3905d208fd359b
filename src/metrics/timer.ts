import { DecayingSample, type SampleOptions } from './decaying-sample.ts';
import { MovingRate, TICK_SECONDS } from './moving-rate.ts';
import { type Statistics, statisticsOf } from './statistics.ts';

/** What a timer shows: statistics of its sample, and how often it was used, a second. */
export type TimerReading = Statistics & {
  /** Of all values so far, not of the sample. */
  count: number;
  rate1: number;
  rate5: number;
  rate15: number;
  meanRate: number;
};

/** The clock that only goes forward, in seconds. */
const monotonicSeconds = (): number => performance.now() / 1000;

/** How long something took, again and again. Costs nothing while nothing happens: its ticks are counted afterwards. */
export class Timer {
  readonly #nowSeconds: () => number;
  readonly #startSeconds: number;
  readonly #sample: DecayingSample;
  readonly #rates = { rate1: new MovingRate(1), rate5: new MovingRate(5), rate15: new MovingRate(15) };
  #ticks = 0;
  #count = 0;

  constructor({ nowSeconds = monotonicSeconds, ...options }: Partial<SampleOptions> = {}) {
    this.#nowSeconds = nowSeconds;
    this.#startSeconds = nowSeconds();
    this.#sample = new DecayingSample({ nowSeconds, ...options });
  }

  add(value: number): void {
    this.#catchUp();
    this.#count += 1;
    this.#sample.add(value);
    for (const rate of Object.values(this.#rates)) rate.mark(1);
  }

  read(): TimerReading {
    this.#catchUp();
    const { rate1, rate5, rate15 } = this.#rates;
    const seconds = this.#nowSeconds() - this.#startSeconds;
    return {
      count: this.#count,
      ...statisticsOf(this.#sample.sorted()),
      rate1: rate1.perSecond,
      rate5: rate5.perSecond,
      rate15: rate15.perSecond,
      meanRate: this.#count === 0 ? 0 : this.#count / seconds,
    };
  }

  /** Lets the ticks pass that were due since the last look. */
  #catchUp(): void {
    const due = Math.floor((this.#nowSeconds() - this.#startSeconds) / TICK_SECONDS);
    for (const rate of Object.values(this.#rates)) rate.tick(due - this.#ticks);
    this.#ticks = due;
  }
}
