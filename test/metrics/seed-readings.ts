import type { Reading } from '../../src/metrics/reading.ts';

/** What the original's metrics showed when its README was written. */
export const seedReadings: Reading[] = [
  {
    kind: 'timer',
    name: 'container-start-time',
    count: 22,
    min: 25425883,
    max: 113077691,
    mean: 68386923.27,
    stddev: 20928453.26,
    median: 65489003.5,
    p75: 82393210.5,
    p95: 112267814.75,
    p99: 113077691,
    p999: 113077691,
    rate1: 0.001,
    rate5: 0.008,
    rate15: 0.012,
    meanRate: 0.0321,
  },
  { kind: 'counter', name: 'containers', count: 1 },
  { kind: 'counter', name: 'events', count: 87 },
  { kind: 'counter', name: 'events-subscribers', count: 2 },
  { kind: 'gauge', name: 'goroutines', value: 38 },
  { kind: 'gauge', name: 'fds', value: 18 },
];
