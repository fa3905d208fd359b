import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStartNotes, type StartNotes } from '../../src/actors/start-notes.ts';
import type { Errand } from '../../src/errands/errand.ts';
import type { Errands } from '../../src/errands/errands.ts';

let asked: Errand[];
let refusal: Error | undefined;
let notes: StartNotes;
beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  refusal = undefined;
  const errands = async (errand: Errand) => {
    asked.push(errand);
    if (refusal) throw refusal;
    return true;
  };
  notes = createStartNotes(Object.assign(errands, { close: () => {} }) satisfies Errands);
});
afterEach(() => {
  vi.useRealTimers();
});

describe('files that starts need no more', () => {
  it('are removed together, before long', async () => {
    const removed = Promise.all([notes.remove('a'), notes.remove('b')]);
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    await removed;
    expect(asked).toEqual([{ what: 'remove', files: ['a', 'b'] }]);
  });

  it('that come later are removed later', async () => {
    void notes.remove('a');
    await vi.advanceTimersByTimeAsync(100);
    void notes.remove('b');
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(asked).toHaveLength(2);
  });

  it('are removed at once where somebody waits, those that come meanwhile as well, and not afterwards', async () => {
    const first = notes.remove('a');
    let settle = () => {};
    const hurried = notes.hurry(new Promise<void>((resolve) => (settle = resolve)));
    await Promise.all([first, notes.remove('b')]);
    expect(asked).toEqual([
      { what: 'remove', files: ['a'] },
      { what: 'remove', files: ['b'] },
    ]);
    settle();
    await hurried;
    void notes.remove('c');
    expect(asked).toHaveLength(2);
  });

  it('that cannot be removed are told to all who asked', async () => {
    refusal = new Error('read-only file system');
    const both = Promise.allSettled([notes.remove('a'), notes.remove('b')]);
    await vi.advanceTimersByTimeAsync(100);
    expect(await both).toMatchObject([{ reason: refusal }, { reason: refusal }]);
  });
});
