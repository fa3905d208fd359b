import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Life, startsAfter } from '../../src/actors/told.ts';
import { append, eventOf, JournalFolder, linesOf, lives, rostersIn } from './fixtures/journal-folder.ts';
import { SmallDisk } from './small-disk.ts';

let folder: JournalFolder;
beforeEach(() => {
  folder = new JournalFolder();
});
afterEach(() => folder.remove());

/** Has a roster after some ten events, and begins a new file after some hundred. */
const SMALL = 20_000;
/** Has one after some thousand. */
const LARGE = 4_000_000;
const NS_PER_MS = 1_000_000n;
/** How much this process has read from files so far (proc(5), `io`). */
const readBytes = (): number => Number(/^rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);

const RUNS: Life = { started: true, exitNs: undefined };
const UNTOLD: Life = { started: false, exitNs: undefined };

describe('what was told of a process', () => {
  it('is its start, and its exit once that was told', async () => {
    const journal = await folder.begin(SMALL);
    await append(journal, eventOf('start', 'a', 1), eventOf('start', 'b', 2));
    await append(
      journal,
      eventOf('exit', 'b', 2, { timestamp: 7n }),
      eventOf('exit', 'b', 3, { timestamp: 8n }),
    );
    const told = await folder.told(journal);
    expect(await told.of({ id: 'a', pid: 1 })).toEqual(RUNS);
    expect(await told.of({ id: 'b', pid: 2 })).toEqual({ started: true, exitNs: '7' });
    expect(await told.of({ id: 'b', pid: 3 })).toEqual({ started: false, exitNs: '8' });
    expect(await told.of({ id: 'a', pid: 4 })).toEqual(UNTOLD);
    expect([...told.open.values()]).toEqual([{ id: 'a', pid: 1 }]);
  });

  it('is not known of containers that are not asked for', async () => {
    const journal = await folder.begin(SMALL);
    await append(journal, eventOf('start', 'other', 1), eventOf('exit', 'other', 1));
    expect(await (await folder.told(journal)).of({ id: 'other', pid: 1 })).toEqual(UNTOLD);
  });
});

describe('behind a roster', () => {
  it('who ran and who was paused is known though their events are not there any more', async () => {
    const journal = await folder.begin(SMALL);
    await append(journal, eventOf('start', 'a', 1), eventOf('exec', 'a', 2), eventOf('start', 'b', 3));
    await append(journal, eventOf('pause', 'b'));
    for (let n = 0; n < 20; n++) await append(journal, ...lives(20, 1000 + 20 * n));
    await folder.close(journal);
    expect(readFileSync(folder.older, 'utf8') + readFileSync(folder.newer, 'utf8')).not.toContain(
      '"type":"pause"',
    );
    const told = await folder.told(await folder.open(SMALL));
    expect([...told.open.keys()]).toEqual(['a/1', 'a/2', 'b/3']);
    expect([...told.paused]).toEqual(['b']);
    expect(await told.of({ id: 'a', pid: 2, startTime: 0n })).toEqual(RUNS);
  });

  it('nothing was told of a process that began later and has no event there', async () => {
    const journal = await folder.begin(LARGE);
    await append(journal, ...lives(3000));
    await folder.close(journal);
    const told = await folder.told(await folder.open(LARGE));
    expect(await told.of({ id: 'a', pid: 1, startTime: ++folder.tick })).toEqual(UNTOLD);
    expect(folder.logged).toEqual([]);
  });

  it.each(['began earlier', 'began at a time that is not known'])(
    'the journal is read whole, once and with a word in the log, for a process that %s',
    async (when) => {
      const startTime = when === 'began earlier' ? { startTime: folder.tick } : {};
      const journal = await folder.begin(LARGE);
      await append(journal, eventOf('start', 'a', 1), eventOf('exit', 'a', 1, { timestamp: 7n }));
      await append(journal, ...lives(3000));
      await folder.close(journal);
      const told = await folder.told(await folder.open(LARGE));
      const asked = [1, 2, 1].map((pid) => told.of({ id: 'a', pid, ...startTime }));
      const ended = { started: true, exitNs: '7' };
      expect(await Promise.all(asked)).toEqual([ended, UNTOLD, ended]);
      expect(folder.logged).toEqual(['the journal is read whole, for what it has of a process']);
    },
  );

  it('of another boot of the host, nobody began later', async () => {
    const journal = await folder.begin(LARGE);
    await append(journal, eventOf('start', 'a', 1), eventOf('exit', 'a', 1, { timestamp: 7n }));
    await append(journal, ...lives(3000));
    await folder.close(journal);
    writeFileSync(
      folder.newer,
      readFileSync(folder.newer, 'utf8').replaceAll(/"boot":"[^"]*"/g, '"boot":"other"'),
    );
    const told = await folder.told(await folder.open(LARGE));
    expect(await told.of({ id: 'a', pid: 1, startTime: ++folder.tick })).toMatchObject({ exitNs: '7' });
  });
});

describe('a roster is passed over', () => {
  async function withRosters(): Promise<string[]> {
    const journal = await folder.begin(LARGE);
    await append(journal, eventOf('start', 'a', 1));
    for (let n = 0; n < 10; n++) await append(journal, ...lives(500, 1000 + 500 * n));
    await folder.close(journal);
    expect(rostersIn(folder.newer).length).toBeGreaterThan(2);
    return linesOf(folder.newer);
  }
  const replaceLast = (lines: string[], replace: (roster: string, before: string) => string[]): void => {
    const at = lines.findLastIndex((line) => line.startsWith('{"roster"'));
    lines.splice(at - 1, 2, ...replace(lines[at] ?? '', lines[at - 1] ?? ''));
    writeFileSync(folder.newer, `${lines.join('\n')}\n`);
  };
  const isRight = async () => {
    const told = await folder.told(await folder.open(LARGE));
    expect([...told.open.keys()]).toEqual(['a/1']);
  };

  it('where it does not follow the event that it says', async () => {
    replaceLast(await withRosters(), (roster, before) => [roster.replace('["a",1]', '["b",2]'), before]);
    await isRight();
  });

  it('where it is torn, or rubbish', async () => {
    const lines = await withRosters();
    replaceLast([...lines], (roster, before) => [before, roster.slice(0, 40)]);
    await isRight();
    replaceLast([...lines], (_, before) => [before, '{"roster":[]}']);
    await isRight();
    replaceLast([...lines], (_, before) => [before, `{"roster":"${'9'.repeat(600_000)}`]);
    await isRight();
    appendFileSync(folder.newer, '{"roster":"1"');
    await isRight();
  });
});

describe('a journal that is full', () => {
  const FULL = 16 * 2 ** 20;

  it('is read from its end, by a start and by a replay, whatever its length', async () => {
    const journal = await folder.begin(FULL);
    await append(journal, eventOf('start', 'a', 1));
    while (!existsSync(folder.older)) await append(journal, ...lives(1000));
    for (let n = 0; n < 60; n++) await append(journal, ...lives(1000));
    const recent = BigInt(Date.now() + 10) * NS_PER_MS;
    await append(journal, eventOf('start', 'b', 2, { timestamp: recent }));
    await folder.close(journal);
    expect(statSync(folder.older).size).toBeGreaterThan(FULL / 3);

    let before = readBytes();
    const next = await folder.open(FULL);
    const told = await folder.told(next);
    expect([...told.open.keys()]).toEqual(['a/1', 'b/2']);
    expect(readBytes() - before).toBeLessThan(2 ** 20);

    before = readBytes();
    expect(await startsAfter(next, next.lastSequence() - 100n)).toBe(1);
    expect(readBytes() - before).toBeLessThan(2 ** 20);

    before = readBytes();
    const replayed = [];
    for await (const { type, id } of next.read(recent)) replayed.push(`${type} ${id}`);
    expect(replayed).toEqual(['start b']);
    expect(readBytes() - before).toBeLessThan(2 ** 20);
  });
});

it('a roster comes in the end, though each daemon tells of little', async () => {
  for (let run = 0; run < 6; run++) {
    const journal = await folder.begin(LARGE);
    await append(journal, ...lives(300));
    await folder.close(journal);
  }
  expect(rostersIn(folder.newer)).toHaveLength(1);
});

it('there is no roster where it is not known who was told to run meanwhile', async () => {
  const journal = await folder.open(SMALL);
  const { events } = await journal.recall();
  await append(journal, eventOf('start', 'a', 1));
  for await (const _ of events);
  for (let n = 0; n < 3; n++) await append(journal, ...lives(20, 1000 + 20 * n));
  await folder.close(journal);
  expect(rostersIn(folder.newer)).toEqual([]);
});

describe('a disk that is full', () => {
  let disk: SmallDisk;
  beforeEach(() => {
    disk = new SmallDisk(64 * 1024);
  });
  afterEach(async () => {
    disk.free();
    disk.remove();
  });

  it('where rosters should have been costs nothing but them', async () => {
    const file = join(disk.path, 'events.jsonl');
    const journal = await folder.begin(SMALL, file);
    await append(journal, eventOf('start', 'a', 1));
    disk.fill();
    const written = append(journal, ...lives(40));
    await expect.poll(() => statSync(file).size).toBeGreaterThan(0);
    disk.free();
    await written;
    await append(journal, ...lives(40), eventOf('start', 'b', 2));
    await folder.close(journal);
    const told = await folder.told(await folder.open(SMALL, file));
    expect([...told.open.keys()]).toEqual(['a/1', 'b/2']);
  });
});
