import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBehind } from '../../src/actors/journal-files.ts';
import { lineOf } from '../../src/actors/journal-lines.ts';
import { emptyRoster, lineOfRoster, ROSTER_MARK } from '../../src/actors/roster.ts';
import { Event } from '../../src/generated/api.ts';

const SEARCH_BYTES = 256 * 1024;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const files = () => ({ newer: join(folder, 'events.jsonl'), older: join(folder, 'events.1.jsonl') });
const eventLine = (sequence: number, why = '') =>
  lineOf(Event.fromPartial({ sequence: BigInt(sequence), type: 'undone', id: 'a', why }));
const rosterLine = (sequence: number) =>
  lineOfRoster({ ...emptyRoster(), sequence: BigInt(sequence) }, { boot: 'b', tick: 7n });

/** Where it is read from, and what. */
async function readBehind(atMost = 100): Promise<[roster: number, ...events: number[]]> {
  const { written, events } = await openBehind(files(), ({ sequence }) => sequence <= atMost, []);
  const read = [];
  for await (const { sequence } of events) read.push(Number(sequence));
  return [Number(written?.roster.sequence ?? -1), ...read];
}

describe('the files of a journal are read', () => {
  it('from the last roster on that fits, in whichever it is', async () => {
    const { newer, older } = files();
    writeFileSync(older, eventLine(1) + rosterLine(1) + eventLine(2) + rosterLine(2) + eventLine(3));
    expect(await readBehind()).toEqual([2, 3]);
    writeFileSync(newer, eventLine(4));
    expect(await readBehind()).toEqual([2, 3, 4]);
    writeFileSync(newer, eventLine(4) + rosterLine(4) + eventLine(5));
    expect(await readBehind()).toEqual([4, 5]);
    expect(await readBehind(3)).toEqual([2, 3, 4, 5]);
    expect(await readBehind(1)).toEqual([1, 2, 3, 4, 5]);
    expect(await readBehind(0)).toEqual([-1, 1, 2, 3, 4, 5]);
  });

  it('where there is one of them, or none', async () => {
    expect(await readBehind()).toEqual([-1]);
    writeFileSync(files().older, eventLine(1));
    expect(await readBehind()).toEqual([-1, 1]);
  });

  it('from a roster on wherever it lies in what is searched at a time', async () => {
    const tail = eventLine(2).length;
    for (let shift = -2; shift <= ROSTER_MARK.length + 2; shift++) {
      const pad = 'x'.repeat(SEARCH_BYTES - tail - rosterLine(1).length + shift);
      writeFileSync(files().newer, `${eventLine(1)}${rosterLine(1)}${pad}\n${eventLine(2)}`);
      expect([shift, ...(await readBehind())]).toEqual([shift, 1, 2]);
    }
  });

  it('from a roster on that is longer than what is read of it at a time', async () => {
    const running = new Map(Array.from({ length: 9_000 }, (_, pid) => [`a/${pid}`, { id: 'a', pid }]));
    const line = lineOfRoster({ ...emptyRoster(), running, sequence: 1n }, { boot: 'b', tick: 7n });
    writeFileSync(files().newer, eventLine(1) + line + eventLine(2));
    expect(await readBehind()).toEqual([1, 2]);
  });

  it('whole where what a roster follows is out of sight', async () => {
    writeFileSync(files().newer, eventLine(1, 'x'.repeat(40_000)) + rosterLine(1) + eventLine(2));
    expect(await readBehind()).toEqual([-1, 1, 2]);
  });
});
