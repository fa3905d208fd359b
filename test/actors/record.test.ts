import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ASKED_ENV,
  readExecs,
  readOomKills,
  readRecord,
  recordedIds,
  recordOf,
  writeOomKills,
} from '../../src/actors/record.ts';
import { stateDirAt } from '../../src/actors/state-dir.ts';
import type { CreateRequest } from '../../src/machines/messages.ts';
import { create, spec } from '../machines/fixtures/requests.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'record-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => join(folder, 'container.json');
const writeRecord = (request: CreateRequest) => writeFileSync(file(), recordOf(folder, request).text);

describe('what is written down of a container', () => {
  it('comes back as it was', async () => {
    const request = create({
      id: '-x',
      stdio: { stdin: '', stdout: '/o', stderr: '', console: '/dev/pts/1' },
    });
    writeRecord(request);
    expect(await readRecord(folder)).toEqual(request);
  });

  it('is nothing where nothing was', async () => {
    expect(await readRecord(folder)).toBeUndefined();
  });

  it('is nothing wherever it is torn', async () => {
    writeRecord(create());
    const text = readFileSync(file(), 'utf8');
    for (let length = 0; length < text.length; length += 1) {
      writeFileSync(file(), text.slice(0, length));
      expect(await readRecord(folder)).toBeUndefined();
    }
    writeFileSync(file(), '\0'.repeat(text.length));
    expect(await readRecord(folder)).toBeUndefined();
  });

  it.each([0, 2, '1', null])('is not guessed at where it is of version %j', async (version) => {
    writeFileSync(file(), JSON.stringify({ version, create: create() }));
    await expect(readRecord(folder)).rejects.toThrow(`its record is of version ${version}`);
  });

  it('is not taken for nothing where it cannot be read', async () => {
    mkdirSync(file());
    await expect(readRecord(folder)).rejects.toThrow(/EISDIR/);
  });
});

describe('what is written down of execs', () => {
  const write = (name: string, json: unknown): void =>
    writeFileSync(join(folder, name), typeof json === 'string' ? json : JSON.stringify(json));
  const exec = (arg: string) => ({
    ...spec,
    args: [arg],
    env: ['PATH=/bundle'],
    [ASKED_ENV]: [],
    noNewPrivileges: true,
  });

  it('comes back in the order in which they were started, as it was asked for', async () => {
    for (const n of [10, 9, 1, 100, 2]) write(`exec-${n}.json`, exec(String(n)));
    expect(await readExecs(folder)).toEqual(
      [1, 2, 9, 10, 100].map((n) => ({
        process: `exec-${n}`,
        spec: { ...spec, args: [String(n)], env: [] },
      })),
    );
  });

  it('is nothing of what is torn, or something else', async () => {
    writeRecord(create());
    write('exec-1.json', JSON.stringify(exec('a')).slice(0, -1));
    write('exec-2.json', '');
    write('exec-3.json', 'null');
    for (const name of ['init.json', 'exec-.json', 'exec-5.json.tmp', 'exec-6.pid', 'my-exec-7.json']) {
      write(name, exec('c'));
    }
    expect(await readExecs(folder)).toEqual([]);
  });
});

describe('the count of OOM kills', () => {
  it('comes back, and is 0 where it is missing', async () => {
    expect(await readOomKills(folder)).toBe(0);
    await writeOomKills(folder, 7);
    expect(await readOomKills(folder)).toBe(7);
  });
});

it('the ids of all containers are those of their folders', async () => {
  const stateDir = stateDirAt(folder);
  for (const id of ['b', '-a', 'c.d']) mkdirSync(stateDir.container(id), { recursive: true });
  expect(await recordedIds(stateDir)).toEqual(['-a', 'b', 'c.d']);
});
