import { appendFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventOfLine } from '../../src/actors/journal-lines.ts';
import { startsAfter } from '../../src/actors/told.ts';
import type { Event } from '../../src/generated/api.ts';
import { append, eventOf, IDS, JournalFolder, linesOf, rostersIn } from './fixtures/journal-folder.ts';

let folder: JournalFolder;
beforeEach(() => {
  folder = new JournalFolder();
});
afterEach(() => folder.remove());

/** Begins a new file after some hundred events. */
const SMALL = 20_000;
/** Has room for all. */
const LARGE = 80_000;
const NS_PER_MS = 1_000_000n;

/** What happens to a journal: events of three containers, ends of the daemon, and last a crash that cuts the file. */
type Happening = { what: 'start' | 'exec' | 'exit' | 'pause' | 'resume' | 'oom' | 'restart'; which: number };
type History = {
  happenings: Happening[];
  /** How many events come at once. */
  batch: number;
  /** What the crash cuts off, what is there instead, and which file has gone. */
  cutBytes: number;
  rest: string;
  lost: string;
  /** How much of it has been seen, in hundredths. */
  since: number;
};
const anyHappening: fc.Arbitrary<Happening> = fc.record({
  what: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('start' as const, 'exec' as const) },
    { weight: 8, arbitrary: fc.constant('exit' as const) },
    { weight: 4, arbitrary: fc.constantFrom('pause' as const, 'resume' as const, 'oom' as const) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
  ),
  which: fc.nat({ max: 1000 }),
});
const anyHistory: fc.Arbitrary<History> = fc.record({
  happenings: fc.array(anyHappening, { minLength: 100, maxLength: 400, size: 'max' }),
  batch: fc.integer({ min: 1, max: 5 }),
  cutBytes: fc.oneof(fc.constant(0), fc.nat({ max: 3000 })),
  rest: fc.constantFrom('', '\0\0', '{"roster":"9"', '{"sequence":"99'),
  lost: fc.constantFrom('nothing', 'nothing', 'nothing', 'newer', 'older'),
  since: fc.nat({ max: 100 }),
});
type Begun = { id: string; pid: number; startTime: bigint };

describe('from a roster on, as from the first event on', () => {
  /** Has it happen; gives all that was appended, and who was started or is about to be. */
  async function happen(maxBytes: number, happenings: readonly Happening[], batch: number) {
    let journal = await folder.begin(maxBytes);
    const history: Event[] = [];
    const begun: Begun[] = [];
    const runs: Begun[] = [];
    let pid = 0;
    let waiting: Event[] = [];
    const now = BigInt(Date.now());
    const flush = async () => {
      await append(journal, ...waiting);
      for (const event of waiting) history.push({ ...event, sequence: BigInt(history.length + 1) });
      waiting = [];
    };
    for (const { what, which } of happenings) {
      if (what === 'restart') {
        await flush();
        await folder.close(journal);
        journal = await folder.begin(maxBytes);
        continue;
      }
      const running = runs[which % Math.max(1, runs.length)];
      if (running === undefined && what !== 'start') continue;
      const id = what === 'start' || running === undefined ? (IDS[which % 3] ?? '') : running.id;
      const begins = what === 'start' || what === 'exec';
      const it = begins ? { id, pid: ++pid, startTime: ++folder.tick } : running;
      if (begins && it) begun.push(it);
      // One that nobody has been told of.
      if (begins && which % 11 === 0) continue;
      if (begins && it) runs.push(it);
      if (what === 'exit') runs.splice(which % runs.length, 1);
      // The clock is set to and fro.
      const timestamp = (now - BigInt((which * 7919) % 100_000)) * NS_PER_MS;
      const event = eventOf(what, id, begins || what === 'exit' ? it?.pid : 0, { timestamp });
      waiting.push(event);
      if (waiting.length >= batch) await flush();
    }
    await flush();
    await folder.close(journal);
    return { history, begun };
  }

  const eventsOf = (file: string): Event[] => linesOf(file).flatMap((line) => eventOfLine(line) ?? []);

  /** Whoever reads all of them would know. */
  function wholly(events: readonly Event[]) {
    const open: Begun[] = [];
    const exits = new Map<number, string>();
    const paused = new Set<string>();
    for (const { type, id, pid, timestamp } of events) {
      if (type === 'start' || type === 'exec') open.push({ id, pid, startTime: 0n });
      if (type === 'exit') {
        const at = open.findIndex((it) => it.pid === pid);
        if (at >= 0) open.splice(at, 1);
        exits.set(pid, String(timestamp));
      }
      if (type === 'pause') paused.add(id);
      if (type === 'resume' || type === 'start') paused.delete(id);
      if (!open.some((it) => it.id === id)) paused.delete(id);
    }
    return {
      open: open.map(({ id, pid }) => `${id}/${pid}`),
      exits,
      started: new Set(events.filter(({ type }) => /start|exec/.test(type)).map(({ pid }) => pid)),
      paused: [...paused],
    };
  }

  async function isSame(
    maxBytes: number,
    {
      happenings,
      batch,
      cutBytes,
      rest,
      lost,
      since,
    }: typeof anyHistory extends fc.Arbitrary<infer T> ? T : never,
  ) {
    for (const file of [folder.newer, folder.older]) rmSync(file, { force: true });
    const { history, begun } = await happen(maxBytes, happenings, batch);
    // A crash, or a hand.
    truncateSync(folder.newer, Math.max(0, statSync(folder.newer).size - cutBytes));
    appendFileSync(folder.newer, rest);
    if (lost !== 'nothing') rmSync(lost === 'newer' ? folder.newer : folder.older, { force: true });

    const kept = [...eventsOf(folder.older), ...eventsOf(folder.newer)];
    const end = kept.at(-1)?.sequence ?? 0n;
    const happened = history.filter(({ sequence }) => sequence <= end);
    const isWhole = kept.length === happened.length;
    const knowsMore = [folder.older, folder.newer].some((file) => rostersIn(file).length > 0);
    const journal = await folder.open(maxBytes);
    const told = await folder.told(journal);
    const keptOnly = wholly(kept);
    if (lost === 'nothing' || isWhole) {
      const { open, paused } = knowsMore ? wholly(happened) : keptOnly;
      expect([[...told.open.keys()], [...told.paused]]).toEqual([open, paused]);
    }
    for (const process of begun) {
      const life = await told.of(process);
      if (isWhole)
        expect(life).toEqual({
          started: keptOnly.started.has(process.pid),
          exitNs: keptOnly.exits.get(process.pid),
        });
      else if (keptOnly.exits.has(process.pid)) expect(life.exitNs).toBe(keptOnly.exits.get(process.pid));
    }

    const after = (end * BigInt(since)) / 100n;
    const starts = kept.filter(({ type, sequence }) => type === 'start' && sequence > after);
    expect(await startsAfter(journal, after)).toBe(starts.length);

    const from = kept[since % Math.max(1, kept.length)]?.timestamp ?? 1n;
    const replayed: bigint[] = [];
    for await (const { sequence } of journal.read(from)) replayed.push(sequence);
    const first = kept.findIndex(({ timestamp }) => timestamp >= from);
    expect(replayed).toEqual(kept.slice(first < 0 ? kept.length : first).map(({ sequence }) => sequence));
    await folder.close(journal);
  }

  it('the same was told, wherever a crash has cut it', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory, (history) => isSame(LARGE, history)),
      { numRuns: 60 },
    );
  });

  it('the same was told, and more where the first events are gone', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory, (history) => isSame(SMALL, history)),
      { numRuns: 60 },
    );
  });
});
