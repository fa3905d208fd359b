import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventOfLine, lineOf } from '../../src/actors/journal-lines.ts';
import { Event } from '../../src/generated/api.ts';

const uint32 = fc.nat({ max: 2 ** 32 - 1 });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const anyText = fc.string({ unit: 'binary' });
const anyCheckpoint = fc.record({
  name: anyText,
  exit: fc.boolean(),
  tcp: fc.boolean(),
  unixSockets: fc.boolean(),
  shell: fc.boolean(),
});
const anyEvent = fc
  .record({
    sequence: uint64,
    timestamp: uint64,
    type: anyText,
    id: anyText,
    pid: uint32,
    status: uint32,
    checkpoint: fc.option(anyCheckpoint, { nil: undefined }),
    unknown: fc.boolean(),
    adopted: fc.boolean(),
    why: anyText,
  })
  .map((fields) => Event.fromPartial(fields));

describe('a line of the journal', () => {
  it('gives back the event that it was made of', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        expect(eventOfLine(lineOf(event))).toEqual(event);
      }),
    );
  });

  it('without marks, as older daemons wrote them, is an event without marks', () => {
    const line = '{"sequence":"1","timestamp":"2","type":"exit","id":"web","pid":3,"status":255}';
    expect(eventOfLine(line)).toMatchObject({ type: 'exit', unknown: false, adopted: false, why: '' });
  });

  it('is one line', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        expect(lineOf(event).indexOf('\n')).toBe(lineOf(event).length - 1);
      }),
    );
  });

  it('is no event where it is cut', () => {
    fc.assert(
      fc.property(anyEvent, fc.nat(), fc.nat(), (event, a, b) => {
        const line = lineOf(event).trimEnd();
        const [start, end] = [a % line.length, b % line.length].sort((x, y) => x - y);
        expect(eventOfLine(line.slice(start, end))).toBeUndefined();
      }),
    );
  });

  it('that is anything else is no event, or one that can be sent', () => {
    const fields = fc.constantFrom('sequence', 'timestamp', 'type', 'id', 'pid', 'status', 'checkpoint');
    const almost = fc.dictionary(fields, fc.oneof(fc.constantFrom('7', '-7'), fc.integer(), fc.jsonValue()), {
      minKeys: 4,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          almost.map((it) => JSON.stringify(it)),
        ),
        (line) => {
          const event = eventOfLine(line);
          if (event !== undefined) Event.encode(event);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
