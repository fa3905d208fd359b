/** What a set of values comes to, in the unit of the values. */
export type Statistics = {
  min: number;
  max: number;
  mean: number;
  /** Of the values as a whole population. */
  stddev: number;
  median: number;
  p75: number;
  p95: number;
  p99: number;
  p999: number;
};

/** Statistics of values that are sorted, smallest first; all 0 where there are none. */
export function statisticsOf(sorted: readonly number[]): Statistics {
  const size = Math.max(sorted.length, 1);
  const mean = sorted.reduce((sum, value) => sum + value, 0) / size;
  const variance = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
  return {
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    mean,
    stddev: Math.sqrt(variance),
    median: percentile(sorted, 0.5),
    p75: percentile(sorted, 0.75),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    p999: percentile(sorted, 0.999),
  };
}

/** As go-metrics has it: the place is a fraction of one more than there are values, and between two it interpolates. */
function percentile(sorted: readonly number[], fraction: number): number {
  const place = fraction * (sorted.length + 1);
  const below = sorted[Math.floor(place) - 1];
  const above = sorted[Math.floor(place)];
  if (below === undefined) return sorted[0] ?? 0;
  if (above === undefined) return sorted.at(-1) ?? 0;
  return below + (place - Math.floor(place)) * (above - below);
}
