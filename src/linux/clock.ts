import { checked } from './error.ts';
import { libc } from './libc.ts';

/** linux/time.h. */
const CLOCK_REALTIME = 0;
const CLOCK_BOOTTIME = 7;

/** struct timespec of 64 bits. */
const timespec = Buffer.alloc(16);
const SECONDS_OFFSET = 0;
const NANOSECONDS_OFFSET = 8;

const clockGettime: (clock: number, time: Buffer) => number = libc.func(
  'int clock_gettime(int clock, _Out_ void *time)',
);

/** What a clock says (clock_gettime(2)). */
export const nanoseconds = (clock: number): bigint => {
  checked('clock_gettime', clockGettime(clock, timespec));
  return (
    timespec.readBigInt64LE(SECONDS_OFFSET) * 1_000_000_000n + timespec.readBigInt64LE(NANOSECONDS_OFFSET)
  );
};

/** USER_HZ is 100 on every architecture that Node runs on. */
const NS_PER_TICK = 10_000_000n;

/** The clock tick since boot, as /proc/<pid>/stat counts them, whatever is done to the time of day. */
export const bootTick = (): bigint => nanoseconds(CLOCK_BOOTTIME) / NS_PER_TICK;

/** The time of day in unix nanoseconds, which `Date` has in milliseconds only. */
export const unixNanoseconds = (): bigint => nanoseconds(CLOCK_REALTIME);
