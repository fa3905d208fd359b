import type { TimerReading } from './timer.ts';

/** What a metric shows at a moment. A timer's values are nanoseconds, its rates a second. */
export type Reading =
  | ({ kind: 'timer'; name: string } & TimerReading)
  | { kind: 'counter'; name: string; count: number }
  | { kind: 'gauge'; name: string; value: number };
