import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventOfLine } from '../../src/actors/journal-lines.ts';
import {
  emptyRoster,
  lineOfRoster,
  ROSTER_MARK,
  type Roster,
  rosterOfLine,
  startName,
  takeIn,
} from '../../src/actors/roster.ts';
import { Event } from '../../src/generated/api.ts';

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const anyText = fc.string({ unit: 'binary' });
const anyRoster: fc.Arbitrary<Roster> = fc
  .record({
    sequence: uint64,
    latestNs: uint64,
    processes: fc.array(fc.record({ id: anyText, pid: fc.nat({ max: 2 ** 22 }) })),
    paused: fc.array(anyText),
  })
  .map(({ processes, paused, ...rest }) => ({
    ...rest,
    running: new Map(processes.map(({ id, pid }) => [startName(id, pid), { id, pid }])),
    paused: new Set(paused),
  }));
const moment = { boot: '0b2c', tick: 7n };

/** Who is in it after these, given as `TYPE ID PID`. */
function rosterOf(...events: string[]): string[] {
  const roster = emptyRoster();
  for (const [n, text] of events.entries()) {
    const [type = '', id = '', pid] = text.split(' ');
    takeIn(roster, Event.fromPartial({ type, id, pid: Number(pid), sequence: BigInt(n + 1) }));
  }
  expect(roster.sequence).toBe(BigInt(events.length));
  return [...roster.running.keys(), ...[...roster.paused].map((id) => `${id} paused`)];
}

describe('a roster', () => {
  it('has who was told to run, in start order, and not who was told to have ended', () => {
    expect(rosterOf('start a 1', 'start b 2', 'exec a 3', 'exit b 2')).toEqual(['a/1', 'a/3']);
    expect(rosterOf('exit a 1', 'oom b 0', 'gap  0')).toEqual([]);
  });

  it('has who was told to be paused, until it is resumed, started anew, or nothing of it runs', () => {
    expect(rosterOf('start a 1', 'pause a 0')).toEqual(['a/1', 'a paused']);
    expect(rosterOf('start a 1', 'pause a 0', 'resume a 0')).toEqual(['a/1']);
    expect(rosterOf('pause a 0', 'start a 1')).toEqual(['a/1']);
    expect(rosterOf('start a 1', 'exec a 2', 'pause a 0', 'exit a 2')).toEqual(['a/1', 'a paused']);
    expect(rosterOf('start a 1', 'exec a 2', 'pause a 0', 'exit a 2', 'exit a 1')).toEqual([]);
  });

  it('has the latest time, though the clock was set back', () => {
    const roster = emptyRoster();
    for (const timestamp of [5n, 9n, 3n]) takeIn(roster, Event.fromPartial({ type: 'oom', timestamp }));
    expect(roster.latestNs).toBe(9n);
  });
});

describe('its line', () => {
  it('gives it back', () => {
    fc.assert(
      fc.property(anyRoster, (roster) => {
        expect(rosterOfLine(lineOfRoster(roster, moment))).toEqual({ roster, moment });
      }),
    );
  });

  it('is one line, which begins as none of an event does, and is no event', () => {
    fc.assert(
      fc.property(anyRoster, (roster) => {
        const line = lineOfRoster(roster, moment);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(`\n${line}`.startsWith(ROSTER_MARK.toString())).toBe(true);
        expect(eventOfLine(line)).toBeUndefined();
      }),
    );
  });

  it('is none where it is cut, or is anything else', () => {
    fc.assert(
      fc.property(anyRoster, fc.nat(), (roster, at) => {
        const line = lineOfRoster(roster, moment).trimEnd();
        expect(rosterOfLine(line.slice(0, at % line.length))).toBeUndefined();
      }),
    );
    const line = lineOfRoster(emptyRoster(), moment);
    const others = [
      line.replace('"0"', '0'),
      line.replace('[]', '{}'),
      line.replace('[]', '["a"]'),
      line.replace('[]', '[["a","1"]]'),
      line.replace('"paused":[]', '"paused":[1]'),
      line.replace('"tick":"7"', '"tick":"x"'),
      line.replace('"boot":"0b2c",', ''),
    ];
    for (const other of ['null', '5', '{"roster":"1"}', ...others])
      expect([other, rosterOfLine(other)]).toEqual([other, undefined]);
  });
});
