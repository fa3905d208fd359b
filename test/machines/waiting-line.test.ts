import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  firstOf,
  joined,
  left,
  NOBODY,
  type WaitingLine,
  waitingIn,
} from '../../src/machines/waiting-line.ts';

const lineOf = (length: number): WaitingLine =>
  Array.from({ length }, (_, n) => `c${n}`).reduce(joined, NOBODY);

/** What one step takes with so many in the line, in milliseconds: the best of a few, as others are at work here too. */
function stepMs(length: number, step: (line: WaitingLine) => unknown): number {
  const line = lineOf(length);
  const STEPS = 500;
  const rounds = Array.from({ length: 7 }, () => {
    const from = performance.now();
    for (let n = 0; n < STEPS; n += 1) step(line);
    return performance.now() - from;
  });
  return Math.min(...rounds) / STEPS;
}

describe('a line', () => {
  it('does what an array would, whoever joins and leaves it', () => {
    const id = fc.integer({ min: 0, max: 400 }).map((n) => `c${n}`);
    const step = fc.oneof(
      fc.record({ joins: fc.constant(true), id }),
      fc.record({ joins: fc.boolean(), id }),
      fc.constant('first' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 1_000, size: 'max' }), (steps) => {
        let line = NOBODY;
        let array: string[] = [];
        for (const it of steps) {
          const gone = it === 'first' ? array[0] : it.joins ? undefined : it.id;
          if (gone !== undefined) {
            line = left(line, gone);
            array = array.filter((other) => other !== gone);
          } else if (it !== 'first' && !array.includes(it.id)) {
            line = joined(line, it.id);
            array = [...array, it.id];
          }
          expect(firstOf(line)).toBe(array[0]);
        }
        expect(waitingIn(line)).toEqual(array);
      }),
      { numRuns: 50 },
    );
  });

  it('is none again once all have left', () => {
    expect(waitingIn(lineOf(300)).reduceRight(left, lineOf(300))).toEqual(NOBODY);
  });

  it('is not changed by those who join and leave', () => {
    const line = lineOf(3);
    joined(line, 'd');
    left(line, 'c0');
    expect(waitingIn(line)).toEqual(['c0', 'c1', 'c2']);
  });

  it('finds an id that objects have of themselves', () => {
    const odd = ['__proto__', 'constructor', '1'];
    expect(waitingIn(left(odd.reduce(joined, NOBODY), '__proto__'))).toEqual(['constructor', '1']);
  });

  it.each<[string, (line: WaitingLine) => unknown]>([
    ['join', (line) => joined(line, 'another')],
    ['have one’s turn', (line) => left(line, firstOf(line) ?? '')],
    ['leave from among others', (line) => left(line, 'c50')],
    ['leave who is not in it', (line) => left(line, 'nobody')],
  ])('costs about the same with a hundred times as many in it: to %s', (_, step) => {
    expect(stepMs(10_000, step)).toBeLessThan(20 * stepMs(100, step));
  });
});
