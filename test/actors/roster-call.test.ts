import { describe, expect, it } from 'vitest';
import { emptyRoster, rosterOfLine } from '../../src/actors/roster.ts';
import { RosterCall } from '../../src/actors/roster-call.ts';
import { Event } from '../../src/generated/api.ts';

const MB = 2 ** 20;
const EVERY = MB / 4;
const call = (fileBytes = 32 * MB) => new RosterCall(() => ({ boot: 'b', tick: 7n }), fileBytes);
const start = (n: number, id = `box-${n}`): Event =>
  Event.fromPartial({ type: 'start', id, pid: n, sequence: BigInt(n) });

describe('a roster', () => {
  it('is due after so many bytes of events, and has all of them', () => {
    const calls = call();
    calls.begin(emptyRoster(), 0);
    expect(calls.next([start(1)], EVERY - 1)).toBeUndefined();
    const { roster, moment } = rosterOfLine(calls.next([start(2)], 1) ?? '') ?? {};
    expect([roster?.sequence, [...(roster?.running.keys() ?? [])], moment]).toEqual([
      2n,
      ['box-1/1', 'box-2/2'],
      { boot: 'b', tick: 7n },
    ]);
    // It could not be written.
    expect(calls.next([], 1)).toBeDefined();
    calls.written();
    expect(calls.next([start(3)], EVERY - 1)).toBeUndefined();
    expect(calls.next([start(4)], 1)).toBeDefined();
  });

  it('counts what former daemons have written without one', () => {
    const calls = call();
    calls.begin(emptyRoster(), EVERY);
    expect(calls.next([start(1)], 100)).toBeDefined();
  });

  it('is not there before it is known who runs', () => {
    expect(call().next([start(1)], MB)).toBeUndefined();
  });

  it('is due earlier in a small journal, and never takes more of it than an eighth', () => {
    const calls = call(4096);
    calls.begin(emptyRoster(), 0);
    expect(calls.next([], 511)).toBeUndefined();
    expect(calls.next([], 1)).toBeUndefined();
    expect(calls.next([], 512)).toBeDefined();
    expect(calls.next([start(1, 'x'.repeat(600))], 100_000)).toBeUndefined();
  });

  it('that is long is due as much later', () => {
    const calls = call();
    calls.begin(emptyRoster(), 0);
    const many = Array.from({ length: 10_000 }, (_, n) => start(n + 1));
    expect(calls.next(many, EVERY)).toBeUndefined();
    expect(calls.next([], EVERY)).toBeUndefined();
    const line = calls.next([], 2 * MB) ?? '';
    expect(line.length).toBeGreaterThan(100_000);
    calls.written();
    expect(calls.next([], line.length * 8 - 1)).toBeUndefined();
    expect(calls.next([], 1)).toBeDefined();
  });
});
