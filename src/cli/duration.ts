import { CliError } from './error.ts';

/** Durations as Go's package time writes and reads them: `1m0s`, `500ms`, `1h2m3.5s`. */

const NS_OF_UNIT: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  // The micro sign, and the Greek letter that looks like it.
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);
const NS_PER_MS = 1_000_000;
/** A duration of Go is an int64 of nanoseconds. */
const MAX_NS = 2n ** 63n - 1n;
/** One number with its unit, which goes on to the next digit or point. */
const TERM = /^(\d*)(?:\.(\d*))?([^\d.]*)/;

/** Milliseconds, possibly with a fraction or negative. Throws a `CliError` in the words of Go's `time.ParseDuration`. */
export function parseDuration(text: string): number {
  const invalid = (): CliError => new CliError(`time: invalid duration ${JSON.stringify(text)}`);
  const sign = /^[-+]/.exec(text)?.[0] ?? '';
  let rest = text.slice(sign.length);
  if (rest === '0') return 0;
  if (rest === '') throw invalid();
  let ns = 0n;
  while (rest !== '') {
    const [term = '', whole = '', fraction = '', unit = ''] = TERM.exec(rest) ?? [];
    if (whole === '' && fraction === '') throw invalid();
    if (unit === '') throw new CliError(`time: missing unit in duration ${JSON.stringify(text)}`);
    const nsPerUnit = NS_OF_UNIT.get(unit);
    if (nsPerUnit === undefined) {
      throw new CliError(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    }
    ns += BigInt(whole) * nsPerUnit + (BigInt(fraction) * nsPerUnit) / 10n ** BigInt(fraction.length);
    if (ns > MAX_NS) throw invalid();
    rest = rest.slice(term.length);
  }
  return ((sign === '-' ? -1 : 1) * Number(ns)) / NS_PER_MS;
}

/** Without the zeros that end a fraction, as Go leaves them out. */
const decimal = (ns: bigint, nsPerUnit: bigint): string => {
  const digits = String(nsPerUnit).length - 1;
  const fraction = String(ns % nsPerUnit)
    .padStart(digits, '0')
    .slice(0, digits)
    .replace(/0+$/, '');
  return `${ns / nsPerUnit}${fraction === '' ? '' : `.${fraction}`}`;
};

/** A number of milliseconds as Go prints a duration; what is less than a nanosecond is rounded. */
export function formatDuration(durationMs: number): string {
  const sign = durationMs < 0 ? '-' : '';
  const ns = BigInt(Math.round(Math.abs(durationMs) * NS_PER_MS));
  if (ns === 0n) return '0s';
  if (ns < 1_000n) return `${sign}${ns}ns`;
  if (ns < 1_000_000n) return `${sign}${decimal(ns, 1_000n)}µs`;
  if (ns < 1_000_000_000n) return `${sign}${decimal(ns, 1_000_000n)}ms`;
  const minutes = ns / 60_000_000_000n;
  const seconds = `${decimal(ns % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return `${sign}${seconds}`;
  const hours = minutes / 60n;
  return hours === 0n ? `${sign}${minutes}m${seconds}` : `${sign}${hours}h${minutes % 60n}m${seconds}`;
}
