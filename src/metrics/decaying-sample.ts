/** What the original's timers keep (rcrowley/go-metrics of 2015). */
const SIZE = 1028;
const ALPHA_PER_SECOND = 0.015;
/** Priorities grow with time; before they leave the range of a double they are measured from a new landmark. */
const RESCALE_AFTER_SECONDS = 3600;

type Kept = { priority: number; value: number };

export type SampleOptions = {
  /** Seconds of a clock that only goes forward. */
  nowSeconds: () => number;
  /** From 0, exclusive of 1. */
  random?: () => number;
  size?: number;
  alphaPerSecond?: number;
};

/**
 * A sample of bounded size of all values so far in which recent ones are likelier: forward decay with a priority
 * reservoir (Cormode, Shkapenyuk, Srivastava, Xu: "Forward Decay", 2009). A value costs the logarithm of the size.
 */
export class DecayingSample {
  readonly #options: Required<SampleOptions>;
  /** A heap: the value that the next one displaces is at its root. */
  #heap: Kept[] = [];
  #landmarkSeconds: number;

  constructor(options: SampleOptions) {
    this.#options = { random: Math.random, size: SIZE, alphaPerSecond: ALPHA_PER_SECOND, ...options };
    this.#landmarkSeconds = options.nowSeconds();
  }

  add(value: number): void {
    const { nowSeconds, random, size, alphaPerSecond } = this.#options;
    const now = nowSeconds();
    if (now - this.#landmarkSeconds > RESCALE_AFTER_SECONDS) this.#rescale(now);
    const priority = Math.exp(alphaPerSecond * (now - this.#landmarkSeconds)) / (1 - random());
    if (this.#heap.length < size) {
      this.#heap.push({ priority, value });
      this.#rise(this.#heap.length - 1);
    } else if (priority > (this.#heap[0]?.priority ?? 0)) {
      this.#heap[0] = { priority, value };
      this.#sink(0);
    }
  }

  /** The values in the sample, smallest first. */
  sorted(): number[] {
    return this.#heap.map(({ value }) => value).sort((a, b) => a - b);
  }

  /** All priorities shrink alike, so the heap stays one. */
  #rescale(now: number): void {
    const factor = Math.exp(-this.#options.alphaPerSecond * (now - this.#landmarkSeconds));
    this.#heap = this.#heap.map(({ priority, value }) => ({ priority: priority * factor, value }));
    this.#landmarkSeconds = now;
  }

  #priority(index: number): number {
    return this.#heap[index]?.priority ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return;
    this.#heap[a] = other;
    this.#heap[b] = one;
  }

  #rise(index: number): void {
    const parent = (index - 1) >> 1;
    if (index === 0 || this.#priority(parent) <= this.#priority(index)) return;
    this.#swap(index, parent);
    this.#rise(parent);
  }

  #sink(index: number): void {
    const left = 2 * index + 1;
    const least = this.#priority(left + 1) < this.#priority(left) ? left + 1 : left;
    if (this.#priority(index) <= this.#priority(least)) return;
    this.#swap(index, least);
    this.#sink(least);
  }
}
