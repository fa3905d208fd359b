import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatAge } from '../../src/ctr/age.ts';
import { createWatchRows, screenOf, type View } from '../../src/ctr/watch-rows.ts';
import type { WatchedContainer, WatchResponse } from '../../src/generated/inspect.ts';
import { ctr, type FakeDaemon, startFakeDaemon } from './fake-daemon.ts';

let fake: FakeDaemon;
beforeAll(async () => {
  fake = await startFakeDaemon();
});
afterAll(() => fake.close());
beforeEach(() => {
  Object.assign(fake, { asked: [], answers: {}, watched: [], refusal: undefined });
});

const SECOND = 1_000_000_000n;
const NOW = 1_800_000_000n * SECOND;

const actor = { since: NOW, state_since: NOW, container: '', pid: 0 };
const ACTORS = [
  { ...actor, kind: 'supervisor', id: 'supervisor', state: 'running' },
  { ...actor, kind: 'container', id: 'web', state: 'running.steady', pid: 7 },
  { ...actor, kind: 'process', id: 'init', container: 'web', state: 'running.alive', pid: 7 },
];

const watched = (of: Partial<WatchedContainer> = {}): WatchedContainer => ({
  id: 'web',
  state: 'running.steady',
  state_since: NOW,
  started: NOW - 200n * SECOND,
  pid: 7,
  cpu_ns: 5n * SECOND,
  memory_bytes: 2n ** 20n,
  sampled: NOW,
  ...of,
});
const answer = (containers: WatchedContainer[], seconds = 0n): WatchResponse => ({
  containers,
  timestamp: NOW + seconds * SECOND,
});

describe('ctr tree', () => {
  it('indents what is below', async () => {
    fake.answers.tree = { actors: ACTORS };
    const { stdout } = await ctr(fake, ['tree']);
    expect(stdout.split('\n').map((line) => line.slice(0, 40).trimEnd())).toEqual([
      'ACTOR               STATE',
      'supervisor          running',
      '  web               running.steady',
      '    init            running.alive',
      '',
    ]);
  });

  it('prints an object a line for a program', async () => {
    fake.answers.tree = { actors: ACTORS };
    const { stdout } = await ctr(fake, ['tree', '--json']);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))[2],
    ).toEqual({
      kind: 'process',
      id: 'init',
      container: 'web',
      state: 'running.alive',
      pid: 7,
      since: '2027-01-15T08:00:00.000000000Z',
      state_since: '2027-01-15T08:00:00.000000000Z',
    });
  });
});

describe('ctr history', () => {
  const step = {
    timestamp: NOW,
    process: '',
    event: 'update',
    sender: 'client r2',
    state: 'running.pausing',
    detail: 'paused',
    outcome: '',
    failed: false,
  };

  it('says when, what, who asked, the state after it, and what became of it', async () => {
    fake.answers.history = {
      steps: [step, { ...step, process: 'init', event: 'launch failed', detail: '', outcome: 'runc: no' }],
    };
    const { stdout } = await ctr(fake, ['history', 'web']);
    expect(fake.asked).toEqual([{ method: 'history', request: { id: 'web' } }]);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows).toEqual([
      ['TIME', 'PROCESS', 'EVENT', 'FROM', 'STATE', 'OUTCOME'],
      ['2027-01-15T08:00:00.000Z', '-', 'update (paused)', 'client r2', 'running.pausing', '-'],
      ['2027-01-15T08:00:00.000Z', 'init', 'launch failed', 'client r2', 'running.pausing', 'runc: no'],
    ]);
  });

  it('names the program of a client where there is one', async () => {
    const client = { method: 'UpdateContainer', peer: { pid: 7, uid: 0, program: 'up\nstart' } };
    fake.answers.history = {
      steps: [
        { ...step, client },
        { ...step, client: { ...client, peer: undefined } },
      ],
    };
    const { stdout } = await ctr(fake, ['history', 'web']);
    expect(
      stdout
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split(/ {2,}/)[3]),
    ).toEqual([
      'client r2: UpdateContainer by up\\x0astart (pid 7, uid 0)',
      'client r2: UpdateContainer by nobody knows whom',
    ]);
    const json = await ctr(fake, ['history', 'web', '--json']);
    expect(json.stdout.split('\n', 1).map((line) => JSON.parse(line).client)).toEqual([client]);
  });

  it('tells in the daemon’s words of a container that it does not know', async () => {
    fake.refusal = { code: status.NOT_FOUND, details: 'containerd: container not found' };
    await expect(ctr(fake, ['history', 'web'])).rejects.toThrow('containerd: container not found');
  });
});

describe('ctr watch', () => {
  it('prints rows where there is no terminal, the header once', async () => {
    const later = watched({ cpu_ns: 5n * SECOND + SECOND / 2n, sampled: NOW + SECOND });
    fake.watched = [answer([watched()]), answer([later], 1n)];
    const { stdout } = await ctr(fake, ['watch']);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ['TIME', 'ID', 'STATE', 'AGE', 'CPU', 'MEMORY'],
      ['08:00:00', 'web', 'running.steady', '3m20s', '-', '1.00MiB'],
      ['08:00:01', 'web', 'running.steady', '3m21s', '50.0%', '1.00MiB'],
    ]);
  });

  it('prints objects for a program', async () => {
    fake.watched = [answer([watched()])];
    expect(JSON.parse((await ctr(fake, ['watch', '--json'])).stdout)).toMatchObject({
      id: 'web',
      state: 'running.steady',
      age_ns: 200_000_000_000,
      memory_bytes: 1_048_576,
    });
  });

  it('counts CPU of another container with the same id anew', () => {
    const rows = createWatchRows();
    rows(answer([watched()]));
    expect(
      rows(answer([watched({ pid: 8, cpu_ns: 1n, sampled: NOW + SECOND })], 1n))[0]?.cpuPercent,
    ).toBeUndefined();
  });

  it('keeps the share of CPU where no sample has come since', () => {
    const rows = createWatchRows();
    rows(answer([watched()]));
    const second = [watched({ cpu_ns: 6n * SECOND, sampled: NOW + SECOND })];
    rows(answer(second, 1n));
    expect(rows(answer(second, 2n))[0]?.cpuPercent).toBe(100);
  });
});

describe('the screen of ctr watch', () => {
  const many = Array.from({ length: 30 }, (_, n) => watched({ id: `c${n}`, memory_bytes: BigInt(n) }));
  const rows = createWatchRows()(answer(many));
  const view = (of: Partial<View> = {}): View => ({ columns: 60, rows: 10, order: 'id', from: 0, ...of });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are
  const plain = (lines: string[]) => lines.map((line) => line.replace(/\x1b\[\d*m/g, ''));

  it('fits the window', () => {
    const lines = plain(screenOf(rows, view()));
    expect(lines).toHaveLength(10);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
    expect(lines[0]).toBe('30 containers  30 running');
  });

  it('fits a window that has no room for containers', () => {
    expect(plain(screenOf(rows, view({ rows: 2 })))).toEqual([
      '30 containers  30 running',
      expect.stringMatching(/^ID /),
    ]);
  });

  it('is in the order that is asked for, from where it is asked for, and never past the end', () => {
    expect(plain(screenOf(rows, view({ order: 'memory' })))[2]).toMatch(/^c29 /);
    const past = view({ order: 'memory', from: 1000 });
    expect(plain(screenOf(rows, past))[7]).toMatch(/^c0 /);
    expect(past.from).toBe(24);
  });
});

it.each([
  [0n, '-'],
  [NOW - 5_000_000n, '5ms'],
  [NOW - 42n * SECOND, '42s'],
  [NOW - 3_700n * SECOND, '1h1m'],
  [NOW - 180_000n * SECOND, '2d2h'],
])('the age since %d is %s', (since, age) => {
  expect(formatAge(since, NOW)).toBe(age);
});
