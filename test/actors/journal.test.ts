import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open as openFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Journal, type JournalOptions, MAX_UNWRITTEN, openJournal } from '../../src/actors/journal.ts';
import { Event } from '../../src/generated/api.ts';
import { within } from '../linux/deadline.ts';
import { SmallDisk } from './small-disk.ts';

const NS_PER_MS = 1_000_000n;
const HOUR_NS = 3_600_000n * NS_PER_MS;

let folder: string;
const opened: Journal[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
});
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  rmSync(folder, { recursive: true });
});

const file = () => join(folder, 'events.jsonl');
const older = () => join(folder, 'events.1.jsonl');

async function open(options: Partial<JournalOptions> = {}): Promise<Journal> {
  const defaults = { file: file(), maxBytes: 1_000_000, maxAgeMs: 3_600_000, onTrouble: () => {} };
  const journal = await openJournal({ ...defaults, ...options });
  opened.push(journal);
  return journal;
}

/** Ends a journal as the daemon does. */
async function close(journal: Journal): Promise<void> {
  opened.splice(opened.indexOf(journal), 1);
  await journal.close();
}

const nowNs = () => BigInt(Date.now()) * NS_PER_MS;
const eventOf = (sequence: number, rest: Partial<Event> = {}): Event =>
  Event.fromPartial({
    type: 'exit',
    id: 'box',
    pid: 7,
    timestamp: nowNs(),
    sequence: BigInt(sequence),
    ...rest,
  });

/** Appends events numbered from `first` to `last`, all at once. */
const fill = (journal: Journal, first: number, last: number, rest: Partial<Event> = {}): Promise<boolean[]> =>
  Promise.all(Array.from({ length: last - first + 1 }, (_, n) => journal.append(eventOf(first + n, rest))));

async function eventsSince(journal: Journal, sinceNs = 0n): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of journal.read(sinceNs)) events.push(event);
  return events;
}
const sequencesSince = async (journal: Journal, sinceNs = 0n): Promise<number[]> =>
  (await eventsSince(journal, sinceNs)).map(({ sequence }) => Number(sequence));
const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n);
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
const descriptorsOn = (path: string): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return statSync(`/proc/self/fd/${fd}`).ino === statSync(path).ino;
    } catch {
      return false;
    }
  }).length;

describe('what is appended', () => {
  it('is in the file once append has resolved', async () => {
    await (await open()).append(eventOf(1));
    expect(readFileSync(file(), 'utf8')).toMatch(/^\{"sequence":"1","timestamp":"\d+","type":"exit",.*\}\n$/);
  });

  it('is the file of the daemon alone', async () => {
    await open();
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  it('comes back as it was, whatever it was', async () => {
    const journal = await open();
    const checkpoint = { name: 'c', exit: true, tcp: true, unixSockets: false, shell: true };
    const events = [
      eventOf(1, { type: 'start' }),
      eventOf(2, { status: 255, pid: 4_194_304 }),
      eventOf(3, { type: 'checkpoint', checkpoint }),
      eventOf(4, { pid: 0, status: 0 }),
      eventOf(5, { id: '\u2028 "quoted"\\\n\0 ü 😀' }),
    ];
    await Promise.all(events.map((event) => journal.append(event)));
    expect(await eventsSince(journal)).toEqual(events);
  });

  it('comes back in order, however it was appended and read', async () => {
    const journal = await open();
    for (let first = 1; first <= 300; first += 3) {
      const written = fill(journal, first, first + 2);
      if (first % 2 === 0) await written;
    }
    expect(await sequencesSince(journal)).toEqual(range(1, 300));
  });

  it('is numbered beyond what a double can count', async () => {
    const journal = await open();
    const event = eventOf(0, { sequence: 2n ** 63n + 1n });
    await journal.append(event);
    await close(journal);
    const next = await open();
    expect(next.lastSequence()).toBe(2n ** 63n + 1n);
    expect(await eventsSince(next)).toEqual([event]);
  });
});

describe('the number of the last event', () => {
  it('is 0 in a journal that is new', async () => {
    expect((await open()).lastSequence()).toBe(0n);
  });

  it('counts an event that is still being written', async () => {
    const journal = await open();
    const written = journal.append(eventOf(1));
    expect(journal.lastSequence()).toBe(1n);
    await written;
  });

  it('is found again after a restart', async () => {
    const journal = await open();
    await fill(journal, 1, 20);
    await close(journal);
    expect((await open()).lastSequence()).toBe(20n);
  });

  it('is found in the older file where the newer one is empty or missing', async () => {
    const journal = await open();
    await fill(journal, 1, 20);
    await close(journal);
    writeFileSync(older(), readFileSync(file()));
    writeFileSync(file(), '');
    const restarted = await open();
    expect(restarted.lastSequence()).toBe(20n);
    await close(restarted);
    rmSync(file());
    expect((await open()).lastSequence()).toBe(20n);
  });

  it('is found behind whatever a crash has left at the end', async () => {
    const journal = await open();
    await fill(journal, 1, 20);
    await close(journal);
    appendFileSync(file(), `{"sequence":"21","timestamp":"17${'\0'.repeat(200_000)}`);
    expect((await open()).lastSequence()).toBe(20n);
  });

  it('is found without reading all of a huge journal', async () => {
    const line = `${JSON.stringify({ sequence: '7', timestamp: String(nowNs()), type: 'exit', id: 'x'.repeat(200) })}\n`;
    const block = line.repeat(4_000);
    for (let written = 0; written < 64 * 2 ** 20; written += block.length) appendFileSync(older(), block);
    appendFileSync(file(), `${line.replace('"7"', '"8"')}`);
    const before = readBytes();
    const journal = await open({ maxBytes: 128 * 2 ** 20 });
    expect(journal.lastSequence()).toBe(8n);
    expect(readBytes() - before).toBeLessThan(1_000_000);
  });
});

/** How much this process has read from files so far (proc(5), `io`). */
const readBytes = (): number => Number(/^rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);

describe('a line that is no event', () => {
  const lines: [string, string][] = [
    ['torn', '{"sequence":"2","timestamp":"1'],
    ['empty', ''],
    ['null', 'null'],
    ['a number', '5'],
    ['a list', '[]'],
    ['without a number', '{"timestamp":"1","type":"exit","id":"box"}'],
    ['with a number that is none', '{"sequence":"x","timestamp":"1","type":"exit","id":"box"}'],
    ['with a type that is no text', `{"sequence":"2","timestamp":"${nowNs()}","type":5,"id":"box"}`],
    [
      'with a pid that is none',
      `{"sequence":"2","timestamp":"${nowNs()}","type":"exit","id":"box","pid":"7"}`,
    ],
    ['of zeros', '\0'.repeat(100)],
  ];
  it.each(lines)('is passed over: %s', async (_, line) => {
    const journal = await open();
    await journal.append(eventOf(1));
    appendFileSync(file(), `${line}\n`);
    await journal.append(eventOf(3));
    const events = await eventsSince(journal);
    expect(events.map(({ sequence }) => sequence)).toEqual([1n, 3n]);
    for (const event of events) Event.encode(event);
  });

  it('does not take the next one with it where a crash has torn it', async () => {
    const journal = await open();
    await journal.append(eventOf(1));
    await close(journal);
    appendFileSync(file(), '{"sequence":"2","timesta');
    const restarted = await open();
    await restarted.append(eventOf(2));
    expect(await sequencesSince(restarted)).toEqual([1, 2]);
  });
});

it('a line of which a crash has cut off the end alone is an event from the first on', async () => {
  const journal = await open();
  await fill(journal, 1, 2);
  await close(journal);
  truncateSync(file(), sizeOf(file()) - 1);
  const restarted = await open();
  expect(await sequencesSince(restarted)).toEqual([1, 2]);
  await restarted.append(eventOf(3));
  expect(await sequencesSince(restarted)).toEqual([1, 2, 3]);
});

describe('the size of the journal', () => {
  const MAX_BYTES = 20_000;

  it('is kept by both files together, whatever comes at once', async () => {
    const journal = await open({ maxBytes: MAX_BYTES });
    for (const count of [1, 500, 3, 1000, 50]) {
      const first = Number(journal.lastSequence()) + 1;
      await fill(journal, first, first + count - 1);
      expect(sizeOf(file()) + sizeOf(older())).toBeLessThanOrEqual(MAX_BYTES);
    }
    expect(readdirSync(folder).sort()).toEqual(['events.1.jsonl', 'events.jsonl']);
  });

  it('leaves the latest events, without a gap', async () => {
    const journal = await open({ maxBytes: MAX_BYTES });
    for (let first = 1; first <= 1000; first += 10) await fill(journal, first, first + 9);
    const kept = await sequencesSince(journal);
    expect(kept.length).toBeGreaterThan(60);
    expect(kept).toEqual(range(1001 - kept.length, 1000));
  });

  it('counts what a former daemon has written', async () => {
    const journal = await open({ maxBytes: MAX_BYTES });
    await fill(journal, 1, 90);
    await close(journal);
    const restarted = await open({ maxBytes: MAX_BYTES });
    await fill(restarted, 91, 180);
    expect(sizeOf(file()) + sizeOf(older())).toBeLessThanOrEqual(MAX_BYTES);
    expect((await sequencesSince(restarted)).at(-1)).toBe(180);
  });

  it('that is less than an event still keeps the last', async () => {
    const journal = await open({ maxBytes: 1 });
    await fill(journal, 1, 3);
    expect((await sequencesSince(journal)).at(-1)).toBe(3);
  });

  it('is kept once what stood in the way of a new file has gone', async () => {
    const troubles: (Error | undefined)[] = [];
    const journal = await open({ maxBytes: MAX_BYTES, onTrouble: (error) => troubles.push(error) });
    mkdirSync(join(older(), 'in the way'), { recursive: true });
    const written = fill(journal, 1, 200);
    await expect.poll(() => troubles.at(-1)?.message).toMatch(/rename/);
    rmdirSync(join(older(), 'in the way'));
    rmdirSync(older());
    await written;
    await journal.append(eventOf(201));
    expect(troubles.at(-1)).toBeUndefined();
    const kept = await sequencesSince(journal);
    expect(kept).toEqual(range(202 - kept.length, 201));
    expect(sizeOf(file()) + sizeOf(older())).toBeLessThanOrEqual(MAX_BYTES);
  });
});

describe('a replay', () => {
  it('begins with what happened then', async () => {
    const journal = await open();
    const start = nowNs() - 100n;
    for (let n = 1; n <= 10; n += 1) await journal.append(eventOf(n, { timestamp: start + BigInt(n) }));
    expect(await sequencesSince(journal, start + 4n)).toEqual(range(4, 10));
    expect(await sequencesSince(journal, nowNs() + HOUR_NS)).toEqual([]);
  });

  it('leaves out what is too old', async () => {
    const journal = await open({ maxAgeMs: 60_000 });
    await journal.append(eventOf(1, { timestamp: nowNs() - HOUR_NS }));
    await journal.append(eventOf(2));
    expect(await sequencesSince(journal)).toEqual([2]);
  });

  it('takes an age with a fraction', async () => {
    const journal = await open({ maxAgeMs: 60_000.5 });
    await journal.append(eventOf(1));
    expect(await sequencesSince(journal)).toEqual([1]);
  });

  it('leaves out nothing that was told later but had happened before', async () => {
    const journal = await open();
    const then = nowNs();
    await journal.append(eventOf(1, { type: 'start', timestamp: then }));
    // Told once its container has been deleted.
    await journal.append(eventOf(2, { timestamp: then - 40n * NS_PER_MS }));
    await journal.append(eventOf(3, { type: 'start', timestamp: then + 1n }));
    expect(await sequencesSince(journal, then)).toEqual([1, 2, 3]);
  });

  it('leaves out nothing where the clock was set back', async () => {
    const journal = await open();
    const then = nowNs();
    await journal.append(eventOf(1, { timestamp: then }));
    for (const n of [2, 3]) await journal.append(eventOf(n, { timestamp: then - HOUR_NS / 2n + BigInt(n) }));
    expect(await sequencesSince(journal, then)).toEqual([1, 2, 3]);
  });

  it('has what is still being written', async () => {
    const journal = await open();
    const written = fill(journal, 1, 5);
    expect(await sequencesSince(journal)).toEqual(range(1, 5));
    await written;
  });

  it('has each event once where the journal begins a new file, twice, while it is read', async () => {
    const journal = await open({ maxBytes: 200_000 });
    for (let n = 1; n <= 1500; n += 50) await fill(journal, n, n + 49);
    const first = (await sequencesSince(journal))[0] ?? 0;
    const replay = journal.read(0n);
    const read = [(await replay.next()).value?.sequence];
    for (let n = 1501; n <= 4500; n += 500) await fill(journal, n, n + 499);
    for await (const { sequence } of replay) read.push(sequence);
    expect(read.slice(0, 1501 - first).map(Number)).toEqual(range(first, 1500));
    expect(read.map(Number)).toEqual([...new Set(read.map(Number))].sort((a, b) => a - b));
  });

  it('that is given up holds no file', async () => {
    const journal = await open();
    await fill(journal, 1, 2000);
    const before = descriptorsOn(file());
    for await (const _ of journal.read(0n)) break;
    await expect.poll(() => descriptorsOn(file())).toBe(before);
  });
});

describe('a disk that is full', () => {
  let disk: SmallDisk;
  let troubles: (Error | undefined)[];
  beforeEach(() => {
    disk = new SmallDisk(128 * 1024);
    troubles = [];
  });
  afterEach(async () => {
    disk.free();
    for (const journal of opened.splice(0)) await journal.close();
    disk.remove();
  });
  const openThere = () =>
    open({ file: join(disk.path, 'events.jsonl'), onTrouble: (error) => troubles.push(error) });
  const isFull = () => expect.poll(() => troubles.at(-1)?.message).toMatch(/ENOSPC/);

  it('is said, and written to once there is room again', async () => {
    const journal = await openThere();
    await fill(journal, 1, 100);
    disk.fill();
    let isWritten = false;
    const written = fill(journal, 101, 300).then(() => {
      isWritten = true;
    });
    await isFull();
    expect(isWritten).toBe(false);
    disk.free();
    await written;
    expect(troubles.at(-1)).toBeUndefined();
    expect(await sequencesSince(journal)).toEqual(range(1, 300));
    // Whatever was written in part has been taken back.
    const lines = readFileSync(join(disk.path, 'events.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => Number(JSON.parse(line).sequence))).toEqual(range(1, 300));
  });

  it('does not keep a replay from what is not written yet', async () => {
    const journal = await openThere();
    await fill(journal, 1, 10);
    disk.fill();
    const written = fill(journal, 11, 100);
    await isFull();
    expect(await within(2_000, 'the replay', sequencesSince(journal))).toEqual(range(1, 100));
    disk.free();
    await written;
  });

  it('does not keep the journal from ending', async () => {
    const journal = await openThere();
    await fill(journal, 1, 10);
    disk.fill();
    const written = fill(journal, 11, 100);
    await isFull();
    await within(2_000, 'the end', close(journal));
    expect((await written).at(-1)).toBe(false);
    expect(await journal.append(eventOf(101))).toBe(false);
    disk.free();
    // The last page of the file may have had room for one more.
    expect((await openThere()).lastSequence()).toBeOneOf([10n, 11n]);
  });

  it('that has room again when the journal ends takes all', async () => {
    const journal = await openThere();
    disk.fill();
    const written = fill(journal, 1, 100);
    await isFull();
    disk.free();
    await within(2_000, 'the end', close(journal));
    expect((await written).at(-1)).toBe(true);
    expect((await openThere()).lastSequence()).toBe(100n);
  });

  it('costs bounded memory: starts and exits wait, and one gap stands for what else there was', async () => {
    const journal = await openThere();
    disk.fill();
    const waiting = fill(journal, 1, MAX_UNWRITTEN);
    await isFull();
    expect(journal.blocked()).toMatch(/ENOSPC/);
    const last = MAX_UNWRITTEN + 1_000;
    const pauses = range(MAX_UNWRITTEN + 1, last).map((n) => journal.append(eventOf(n, { type: 'pause' })));
    expect(await Promise.all(pauses)).toEqual(pauses.map(() => false));
    const exit = journal.append(eventOf(last + 1));
    expect(await journal.append(eventOf(last + 2, { type: 'oom' }))).toBe(false);
    expect(journal.lastSequence()).toBe(BigInt(last + 2));

    disk.grow(2 ** 20);
    await waiting;
    expect(await exit).toBe(true);
    await expect.poll(() => journal.blocked()).toBeUndefined();
    const left = [];
    for await (const { type, sequence } of journal.read(0n))
      if (sequence > MAX_UNWRITTEN) left.push(`${type} ${sequence}`);
    expect(left).toEqual([`gap ${last}`, `exit ${last + 1}`, `gap ${last + 2}`]);
  });
});

describe('a clock that is set', () => {
  const HOUR_MS = 3_600_000;
  let aheadMs: number;
  let elapsedMs: number;
  const bootMs = Date.now();
  beforeEach(() => {
    aheadMs = 0;
    elapsedMs = 0;
  });
  const clock = { wallMs: () => bootMs + elapsedMs + aheadMs, monotonicMs: () => elapsedMs };
  const told = (sequence: number) =>
    eventOf(sequence, { timestamp: BigInt(Math.floor(clock.wallMs())) * NS_PER_MS });

  it('forward makes nothing old before its time', async () => {
    const journal = await open({ clock });
    await journal.append(told(1));
    aheadMs = 365 * 24 * HOUR_MS;
    await journal.append(told(2));
    expect(await sequencesSince(journal)).toEqual([1, 2]);
    elapsedMs = 2 * HOUR_MS;
    await journal.append(told(3));
    // The age is an hour, and the year did not pass: of these, what is stamped with it is not old yet.
    expect(await sequencesSince(journal)).toEqual([2, 3]);
  });

  it('back loses nothing that was told before or is told after', async () => {
    const journal = await open({ clock });
    await journal.append(told(1));
    aheadMs = -365 * 24 * HOUR_MS;
    await journal.append(told(2));
    expect(await sequencesSince(journal)).toEqual([1, 2]);
    aheadMs = 0;
    await journal.append(told(3));
    expect(await sequencesSince(journal)).toEqual([1, 2, 3]);
  });

  it('forward before a restart makes nobody forget what was told', async () => {
    const journal = await open({ clock });
    await journal.append(told(1));
    await close(journal);
    aheadMs = 365 * 24 * HOUR_MS;
    const next = await open({ clock });
    expect(await sequencesSince(next)).toEqual([]);
    const all = [];
    for await (const { sequence } of next.readAfter(0n)) all.push(sequence);
    expect(all).toEqual([1n]);
  });
});

describe('a disk that takes half of an event, and does not let that be taken back', () => {
  const noSpace = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  /** The methods of what `open` of node:fs/promises gives. */
  async function handles(): Promise<FileHandle> {
    const handle = await openFile(join(folder, 'other'), 'w');
    await handle.close();
    return Object.getPrototypeOf(handle) as FileHandle;
  }
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('costs no event that is written afterwards', async () => {
    const journal = await open();
    const prototype = await handles();
    const appendFile = prototype.appendFile;
    async function half(this: FileHandle, text: string): Promise<void> {
      await appendFile.call(this, text.slice(0, 5));
      throw noSpace;
    }
    vi.spyOn(prototype, 'appendFile').mockImplementationOnce(half as never);
    vi.spyOn(prototype, 'truncate').mockRejectedValueOnce(noSpace);
    expect(await journal.append(eventOf(1))).toBe(true);
    vi.spyOn(prototype, 'appendFile').mockImplementationOnce(half as never);
    expect(await journal.append(eventOf(2))).toBe(true);
    await close(journal);
    const sequences = readFileSync(file(), 'utf8')
      .split('\n')
      .flatMap((line) => /^\{"sequence":"(\d+)".*\}$/.exec(line)?.[1] ?? []);
    expect(sequences).toEqual(['1', '2']);
  });
});
