import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { checked } from './error.ts';
import { libc } from './libc.ts';

const CLOCK_REALTIME = 0;

const timespec = koffi.struct({ tv_sec: 'int64_t', tv_nsec: 'int64_t' });
type Timespec = { tv_sec: number; tv_nsec: number };

const clockGettime: (clock: number, time: Timespec) => number = libc.func('clock_gettime', 'int', [
  'int',
  koffi.out(koffi.pointer(timespec)),
]);

/** USER_HZ, which is 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The clock tick since boot, as /proc/<pid>/stat counts them, whatever is done to the time of day. */
export const bootTick = (): bigint =>
  BigInt(Math.floor(Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * TICKS_PER_SECOND));

/** The time of day in unix nanoseconds, which `Date` has in milliseconds only. */
export function unixNanoseconds(): bigint {
  const now: Timespec = { tv_sec: 0, tv_nsec: 0 };
  checked('clock_gettime', clockGettime(CLOCK_REALTIME, now));
  return BigInt(now.tv_sec) * 1_000_000_000n + BigInt(now.tv_nsec);
}
