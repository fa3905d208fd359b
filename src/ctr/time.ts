import { parseDuration } from '../cli/duration.ts';
import { CliError } from '../cli/error.ts';

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;
/** Date and time with its zone; the fraction apart, as it may have more digits than a Date holds. */
const RFC_3339 = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|z|[+-]\d\d:\d\d)$/;

/**
 * A moment in unix nanoseconds, from a time of RFC 3339 (`2026-01-31T12:00:00.5Z`) or from how long ago it was, as a Go
 * duration (`10m`). Throws a `CliError` for anything else, and for what is before 1970.
 */
export function parseMoment(text: string, nowMs: number): bigint {
  const [, date, fraction = '', zone = ''] = RFC_3339.exec(text) ?? [];
  if (date === undefined) {
    return positive(BigInt(nowMs) * NS_PER_MS - BigInt(Math.round(parseAgo(text) * Number(NS_PER_MS))));
  }
  const seconds = Date.parse(`${date.replace(/[t ]/, 'T')}${zone.toUpperCase()}`) / 1000;
  if (Number.isNaN(seconds) || !isDay(date)) throw new CliError('there is no such date or time');
  return positive(BigInt(seconds) * NS_PER_SECOND + BigInt(fraction.padEnd(9, '0')));
}

/** Whether the month has that day: Date takes the 30th of February for the 2nd of March. */
const isDay = (date: string): boolean =>
  new Date(`${date.slice(0, 10)}T00:00:00Z`).getUTCDate() === Number(date.slice(8, 10));

function parseAgo(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw new CliError('must be how long ago, such as 10m, or a time such as 2026-01-31T12:00:00Z');
  }
}

/** 0 would mean to the daemon that nothing is asked for. */
function positive(ns: bigint): bigint {
  if (ns <= 0n) throw new CliError('is before 1970');
  return ns;
}

/** Unix nanoseconds as RFC 3339, with as many digits as there are. */
export function formatMoment(ns: bigint): string {
  const date = new Date(Number(ns / NS_PER_MS)).toISOString().replace(/\.\d+Z$/, '');
  return `${date}.${String(ns % NS_PER_SECOND).padStart(9, '0')}Z`;
}
