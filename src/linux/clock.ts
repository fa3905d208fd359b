import koffi from 'koffi';
import { checked } from './error.ts';
import { libc } from './libc.ts';

/** linux/time.h. */
const CLOCK_REALTIME = 0;
const CLOCK_BOOTTIME = 7;

const timespec = koffi.struct({ tv_sec: 'int64_t', tv_nsec: 'int64_t' });
type Timespec = { tv_sec: number; tv_nsec: number };

const clockGettime: (clock: number, time: Timespec) => number = libc.func('clock_gettime', 'int', [
  'int',
  koffi.out(koffi.pointer(timespec)),
]);

/** What a clock says (clock_gettime(2)). */
export const nanoseconds = (clock: number): bigint => {
  const now: Timespec = { tv_sec: 0, tv_nsec: 0 };
  checked('clock_gettime', clockGettime(clock, now));
  return BigInt(now.tv_sec) * 1_000_000_000n + BigInt(now.tv_nsec);
};

/** USER_HZ is 100 on every architecture that Node runs on. */
const NS_PER_TICK = 10_000_000n;

/** The clock tick since boot, as /proc/<pid>/stat counts them, whatever is done to the time of day. */
export const bootTick = (): bigint => nanoseconds(CLOCK_BOOTTIME) / NS_PER_TICK;

/** The time of day in unix nanoseconds, which `Date` has in milliseconds only. */
export const unixNanoseconds = (): bigint => nanoseconds(CLOCK_REALTIME);
