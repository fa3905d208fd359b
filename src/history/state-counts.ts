import type { Recorder } from './recorder.ts';

/** How many containers there were in each state at a time, in unix milliseconds. */
export type CountsAt = { atMs: number; counts: Record<string, number> };

/** The containers by state over time: bounded, as what is longer ago is known less finely. */
export type StateCounts = {
  /** The oldest first. The last one holds until now. */
  readonly samples: readonly CountsAt[];
  end(): void;
};

const FINEST_MS = 250;
const MAX_SAMPLES = 512;

/** Notes the counts of a recorder when they change; where there are too many, every second one is left out. */
export function countStates({ counts, listen }: Recorder, maxSamples = MAX_SAMPLES): StateCounts {
  const samples: CountsAt[] = [];
  let widthMs = FINEST_MS;

  function note(atMs: number): void {
    const now = { atMs, counts: Object.fromEntries(counts) };
    // The clock was set back: nothing is known of a time that is still to come.
    samples.splice(samples.findLastIndex((it) => it.atMs <= atMs) + 1);
    const last = samples.at(-1);
    if (last !== undefined && atMs - last.atMs < widthMs) {
      // Within one width of time the last word counts.
      samples[samples.length - 1] = { ...now, atMs: last.atMs };
      return;
    }
    samples.push(now);
    if (samples.length <= maxSamples) return;
    widthMs *= 2;
    const kept = samples.filter((_, index) => index % 2 === 0 || index === samples.length - 1);
    samples.splice(0, samples.length, ...kept);
  }
  const seen = new Map<string, number>();
  const end = listen({
    stepped({ kind }, { atMs }) {
      if (kind !== 'container') return;
      let changed = false;
      for (const [state, count] of counts) {
        if (seen.get(state) === count) continue;
        seen.set(state, count);
        changed = true;
      }
      if (changed) note(atMs);
    },
  });
  return { samples, end };
}
