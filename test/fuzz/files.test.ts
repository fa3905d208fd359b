import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal } from '../../src/actors/journal.ts';
import { readExecs, readOomKills, readRecord, readStarted, recordOf } from '../../src/actors/record.ts';
import {
  deleteCheckpoint,
  imagesOf,
  listCheckpoints,
  settleCheckpoints,
} from '../../src/checkpoints/store.ts';
import { Event } from '../../src/generated/api.ts';
import { makeFifo } from '../../src/linux/fifo.ts';
import { readStateFile } from '../../src/runc/state-file.ts';
import { create } from '../machines/fixtures/requests.ts';
import { mutated, SEED } from './fuzzed.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'fuzz-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string) => path.join(folder, name);
const EVENTS = [1, 2, 3].map((n) =>
  Event.fromPartial({
    type: n === 1 ? 'start' : 'exit',
    id: 'web',
    pid: 7,
    status: n,
    sequence: BigInt(n),
    timestamp: BigInt(Date.now()) * 1_000_000n,
    unknown: n === 3,
  }),
);

describe('the journal', () => {
  const open = (file: string) =>
    openJournal({ file, maxBytes: 1_000_000, maxAgeMs: 3_600_000, onTrouble: () => {} });
  /** Opens it, and finds whatever is whole, in order; what is appended comes after it, and is found again. */
  async function goesOn(bytes: Uint8Array): Promise<void> {
    rmSync(at('events.1.jsonl'), { force: true });
    writeFileSync(at('events.jsonl'), bytes);
    const journal = await open(at('events.jsonl'));
    const next = journal.lastSequence() + 1n;
    // A flipped bit may have made the last number the largest that there is.
    if (next < 2n ** 64n)
      await journal.append(Event.fromPartial({ ...EVENTS[0], id: 'new', sequence: next }));
    await journal.close();
    const again = await open(at('events.jsonl'));
    const seen: Event[] = [];
    for await (const event of again.read(0n)) seen.push(event);
    await again.close();
    const numbers = seen.map(({ sequence }) => sequence);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => (a < b ? -1 : 1)));
    if (next < 2n ** 64n) expect(again.lastSequence()).toBe(next);
  }
  async function valid(): Promise<Buffer> {
    rmSync(at('valid.jsonl'), { force: true });
    const journal = await open(at('valid.jsonl'));
    for (const event of EVENTS) await journal.append(event);
    await journal.close();
    return readFileSync(at('valid.jsonl'));
  }

  it('cut at each of its bytes goes on', async () => {
    const whole = await valid();
    for (let length = 0; length <= whole.length; length++) await goesOn(whole.subarray(0, length));
  });

  it('with any bytes changed goes on', async () => {
    await fc.assert(fc.asyncProperty(mutated(await valid()), goesOn), { seed: SEED, numRuns: 60 });
  });

  it('of rubbish goes on', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 4096 }), goesOn), {
      seed: SEED,
      numRuns: 100,
    });
    await goesOn(Buffer.alloc(1_000_000));
  });
});

describe('what is written down of a container', () => {
  /** Reads one, and gives a value that is whole, nothing, or an error that says why. */
  async function isSound(name: string, bytes: Uint8Array): Promise<void> {
    const box = at('box');
    rmSync(box, { recursive: true, force: true });
    mkdirSync(box);
    writeFileSync(path.join(box, name), bytes);
    const record = await readRecord(box).catch((error) => error);
    if (record !== undefined && !(record instanceof Error)) {
      expect([typeof record.id, typeof record.bundlePath, record.type]).toEqual([
        'string',
        'string',
        'create',
      ]);
      expect(record.spec.args.every((arg: unknown) => typeof arg === 'string')).toBe(true);
    }
    const started = await readStarted(box, 'exec-1');
    if (started !== undefined) expect([started.pid > 0, started.startTime >= 0n]).toEqual([true, true]);
    for (const { spec } of await readExecs(box)) expect(Array.isArray(spec.args)).toBe(true);
    expect(Number.isSafeInteger(await readOomKills(box))).toBe(true);
    const state = await readStateFile(folder, 'box');
    if (state !== undefined) expect(BigInt(state.initStartTime) > 0n).toBe(true);
  }
  const FILES: Record<string, string> = {
    'exec-1.json': JSON.stringify({ ...create().spec, askedEnv: [] }),
    'exec-1.started': '{"pid":7,"startTime":"99"}',
    'oom-kills': '12',
    'state.json': JSON.stringify({ init_process_pid: 7, init_process_start: 99, cgroup_paths: { '': '/x' } }),
  };

  it('cut at each of its bytes, or changed anywhere, is whole or nothing', async () => {
    const files = { ...FILES, 'container.json': recordOf(folder, create()).text };
    for (const [name, text] of Object.entries(files)) {
      const bytes = Buffer.from(text);
      for (let length = 0; length <= bytes.length; length++) await isSound(name, bytes.subarray(0, length));
      await fc.assert(
        fc.asyncProperty(mutated(bytes), (changed) => isSound(name, changed)),
        { seed: SEED, numRuns: 80 },
      );
      await fc.assert(
        fc.asyncProperty(fc.json(), (json) => isSound(name, Buffer.from(json))),
        { seed: SEED, numRuns: 60 },
      );
    }
  });
});

describe('a folder of checkpoints', () => {
  it('of whatever is listed, settled and removed, without a hang, and nothing else is touched', async () => {
    const outside = at('outside');
    mkdirSync(outside);
    writeFileSync(path.join(outside, 'dump.log'), 'Dumping finished successfully\n');
    const before = readFileSync(path.join(outside, 'dump.log'));
    const anyFile = fc.constantFrom(
      'none',
      'json',
      'rubbish',
      'huge',
      'fifo',
      'folder',
      'link',
      'zero',
      'dangling',
    );
    const put = (file: string, kind: string, text: string) => {
      if (kind === 'json' || kind === 'rubbish') writeFileSync(file, text);
      if (kind === 'huge') writeFileSync(file, Buffer.alloc(100_000, 0x5b));
      if (kind === 'fifo') makeFifo(file, 0o600);
      if (kind === 'folder') mkdirSync(file);
      if (kind === 'link') symlinkSync(outside, file);
      if (kind === 'zero') symlinkSync('/dev/zero', file);
      if (kind === 'dangling') symlinkSync('/no/such', file);
    };
    const anyName = fc.oneof(
      fc.constantFrom(
        'a',
        'a~999999999-1-1',
        'a~999999999-1-1-gone',
        'a b',
        '-v',
        'work',
        'config.json',
        '...',
      ),
      fc.stringMatching(/^[a-z~. -]{1,20}$/).filter((it) => it !== '.' && it !== '..'),
    );
    const entry = fc.record({
      name: anyName,
      itself: anyFile,
      config: anyFile,
      work: anyFile,
      json: fc.json(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 4 }), async (entries) => {
        const bundle = at('bundle');
        rmSync(bundle, { recursive: true, force: true });
        mkdirSync(path.join(bundle, 'checkpoints'), { recursive: true });
        for (const { name, itself, config, work, json } of entries) {
          const images = imagesOf(bundle, name);
          if (lstatSync(images, { throwIfNoEntry: false }) !== undefined) continue;
          put(images, itself, json);
          if (itself !== 'folder') continue;
          put(
            path.join(images, 'config.json'),
            config,
            config === 'json' ? '{"name":"../../outside"}' : json,
          );
          put(path.join(images, 'work'), work, json);
        }
        for (const { name } of await listCheckpoints(bundle)) expect(name).toMatch(/^[\w.+-]+$/);
        await settleCheckpoints(bundle);
        for (const { name } of await listCheckpoints(bundle)) await deleteCheckpoint(bundle, name);
        expect(await listCheckpoints(bundle)).toEqual([]);
        expect(readFileSync(path.join(outside, 'dump.log'))).toEqual(before);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });
});
