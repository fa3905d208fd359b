import { setTimeout as wait } from 'node:timers/promises';
import type { Reading } from './reading.ts';

export type ReportOptions = {
  read(): Promise<Reading[]>;
  /** Where a report goes; none of them may wait. */
  outlets: readonly ((readings: readonly Reading[], date: Date) => void)[];
  intervalMs: number;
  signal: AbortSignal;
};

/** Reports at once and then at every interval, as the original did, until the signal says stop. Does not keep a process alive. */
export async function report({ read, outlets, intervalMs, signal }: ReportOptions): Promise<void> {
  while (!signal.aborted && outlets.length > 0) {
    const readings = await read();
    const date = new Date();
    for (const outlet of outlets) outlet(readings, date);
    await wait(intervalMs, undefined, { ref: false, signal }).catch(() => {});
  }
}
