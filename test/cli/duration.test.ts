import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../src/cli/duration.ts';
import { CliError } from '../../src/cli/error.ts';

/** Each text is how Go itself prints the duration. */
const CANONICAL: [string, number][] = [
  ['0s', 0],
  ['1ns', 0.000001],
  ['1.1µs', 0.0011],
  ['2.2ms', 2.2],
  ['500ms', 500],
  ['1s', 1_000],
  ['3.3s', 3_300],
  ['1m0s', 60_000],
  ['4m5.001s', 245_001],
  ['1h0m0s', 3_600_000],
  ['1h2m3.5s', 3_723_500],
  ['5h6m7.001s', 18_367_001],
  ['-1.5s', -1_500],
  ['596h31m23.647s', 2 ** 31 - 1],
];

const OTHERS: [string, number][] = [
  ['0', 0],
  ['+5s', 5_000],
  ['-0', -0],
  ['.5s', 500],
  ['1.s', 1_000],
  ['1h15m30.918273645s', 4_530_918.273645],
  ['100us', 0.1],
  ['100μs', 0.1],
  ['1m', 60_000],
  ['90s', 90_000],
  ['1s1h', 3_601_000],
];

const WRONG: [string, string][] = [
  ['', 'time: invalid duration ""'],
  ['abc', 'time: invalid duration "abc"'],
  ['-', 'time: invalid duration "-"'],
  ['.', 'time: invalid duration "."'],
  ['.s', 'time: invalid duration ".s"'],
  ['1s ', 'time: unknown unit "s " in duration "1s "'],
  ['10', 'time: missing unit in duration "10"'],
  ['1m10', 'time: missing unit in duration "1m10"'],
  ['1x', 'time: unknown unit "x" in duration "1x"'],
  ['1d', 'time: unknown unit "d" in duration "1d"'],
  ['1constructor', 'time: unknown unit "constructor" in duration "1constructor"'],
  ['1..5s', 'time: missing unit in duration "1..5s"'],
  ['9999999999h', 'time: invalid duration "9999999999h"'],
];

describe('a Go duration', () => {
  it.each(CANONICAL)('%s is printed as Go prints it, and read', (text, durationMs) => {
    expect(formatDuration(durationMs)).toBe(text);
    expect(parseDuration(text)).toBe(durationMs);
  });

  it.each(OTHERS)('%s is read', (text, durationMs) => {
    expect(parseDuration(text)).toBeCloseTo(durationMs, 9);
  });

  it.each(WRONG)('%j is refused in Go’s words', (text, message) => {
    expect(() => parseDuration(text)).toThrow(new CliError(message));
  });

  it('is read as the number that it was printed from', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 36), max: 2 ** 36 }), (microseconds) => {
        const durationMs = microseconds / 1_000;
        expect(parseDuration(formatDuration(durationMs))).toBe(durationMs);
      }),
    );
  });
});
