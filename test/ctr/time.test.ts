import { describe, expect, it } from 'vitest';
import { CliError } from '../../src/cli/error.ts';
import { formatMoment, parseMoment } from '../../src/ctr/time.ts';

const NOW_MS = Date.UTC(2026, 0, 31, 12);
const NOW_NS = BigInt(NOW_MS) * 1_000_000n;

describe('a moment', () => {
  it.each<[string, bigint]>([
    ['0', NOW_NS],
    ['10m', NOW_NS - 600_000_000_000n],
    ['1.5s', NOW_NS - 1_500_000_000n],
    ['2026-01-31T12:00:00Z', NOW_NS],
    ['2026-01-31 13:00:00+01:00', NOW_NS],
    ['2026-01-31T12:00:00.5Z', NOW_NS + 500_000_000n],
    ['2024-02-29T00:30:00+01:00', BigInt(Date.UTC(2024, 1, 28, 23, 30)) * 1_000_000n],
    ['2026-01-31T12:00:00.123456789Z', NOW_NS + 123_456_789n],
  ])('%s is %d', (text, ns) => {
    expect(parseMoment(text, NOW_MS)).toBe(ns);
  });

  it.each<[string, string]>([
    ['', 'must be how long ago, such as 10m, or a time such as 2026-01-31T12:00:00Z'],
    ['2026-01-31', 'must be how long ago, such as 10m, or a time such as 2026-01-31T12:00:00Z'],
    ['2026-13-31T12:00:00Z', 'there is no such date or time'],
    ['2026-02-30T00:00:00Z', 'there is no such date or time'],
    ['2025-02-29T23:00:00+01:00', 'there is no such date or time'],
    ['1969-12-31T12:00:00Z', 'is before 1970'],
  ])('%j is refused', (text, words) => {
    expect(() => parseMoment(text, NOW_MS)).toThrow(new CliError(words));
  });

  it('is printed so that it is read as what it was', () => {
    expect(formatMoment(NOW_NS + 123_456_789n)).toBe('2026-01-31T12:00:00.123456789Z');
    for (const ns of [NOW_NS, NOW_NS + 1n, NOW_NS + 999_999_999n]) {
      expect(parseMoment(formatMoment(ns), 0)).toBe(ns);
    }
  });
});
