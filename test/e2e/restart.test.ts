import { once } from 'node:events';
import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeFifo } from '../../src/linux/fifo.ts';
import { ClientTerminal } from '../linux/client-terminal.ts';
import { openReader, readAll } from '../linux/fifo-reader.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { COUNTING, checkpoint, counted, flagged, listed, numbersIn } from './fixtures/checkpoint.ts';
import { failureOf, processState, TestDaemon } from './fixtures/daemon.ts';
import {
  again,
  crash,
  gone,
  type HoldingRuntime,
  journalOf,
  makeHoldingRuntime,
  removeAll,
  restart,
  toldOf,
} from './fixtures/restart.ts';
import { until } from './fixtures/until.ts';

const KILL = 9;
const PATIENCE_MS = 30_000;
const NS_PER_MS = 1_000_000n;
const now = () => BigInt(Date.now()) * NS_PER_MS;
/** Ends with the status that its stdin says. */
const ENDS_AS_TOLD = ['sh', '-c', 'read status; exit $status'];

let bundles: Bundles;
let daemon: TestDaemon;
beforeAll(async () => {
  bundles = await makeBundles();
});
afterAll(() => bundles.remove());
beforeEach(async () => {
  daemon = await TestDaemon.start();
});
afterEach(() => removeAll(daemon));

const unique = (name: string) => `${name}-${process.pid}`;
const inFolder = (name: string) => path.join(daemon.folder, name);
const fileFor = async (name: string): Promise<string> => {
  await writeFile(inFolder(name), '');
  return inFolder(name);
};

/** A stdin that is said something to later. */
async function stdinFor(name: string) {
  makeFifo(inFolder(name), 0o600);
  const writer = await open(inFolder(name), 'r+');
  return {
    path: inFolder(name),
    async say(text: string) {
      await writer.write(text);
      await writer.close();
    },
  };
}

describe('the daemon after one that was killed', () => {
  it('has the same containers, processes and statuses, and can be asked for everything', async () => {
    const bundle = await bundles.make('same');
    const [runs, paused] = [unique('runs'), unique('paused')];
    await daemon.create(runs, bundle);
    await daemon.create(paused, bundle);
    const { pid: exec } = await daemon.exec(runs, ['sleep', '1000'], { env: ['A=b'], cwd: '/tmp' });
    await daemon.exec(paused, ['sleep', '1001']);
    await daemon.update(paused, { status: 'paused' });
    const before = await daemon.containers();
    expect(before.map(({ status }) => status)).toEqual(['running', 'paused']);

    daemon = await restart(daemon);
    const byId = (await daemon.containers()).sort((a, b) => b.id.localeCompare(a.id));
    expect(byId).toEqual(before);

    const events = await daemon.events();
    await daemon.signal(runs, KILL, exec);
    expect(await events.exit(runs, exec)).toMatchObject({ status: 137 });
    await daemon.update(paused, { status: 'running' });
    expect(await daemon.container(paused)).toMatchObject({ status: 'running' });
    const { pid } = await daemon.exec(runs, ['sh', '-c', 'exit 4']);
    expect(await events.exit(runs, pid)).toMatchObject({ status: 4 });
    events.close();
  });

  it('frees ids as containers end, and refuses those that are taken', async () => {
    const [id, bundle] = [unique('taken'), await bundles.make('taken')];
    const { pid } = await daemon.create(id, bundle);
    daemon = await restart(daemon);
    await expect(daemon.create(id, bundle)).rejects.toThrow('container already exists');
    const events = await daemon.events();
    await daemon.signal(id, KILL);
    expect(await events.exit(id, pid)).toMatchObject({ status: 137 });
    expect(await daemon.create(id, bundle)).not.toEqual({ pid });
    await expect.poll(() => toldOf(daemon, id)).toEqual(['start', 'exit 137', 'start']);
    events.close();
  });

  it('lists the checkpoints that the former one has made', async () => {
    const id = unique('kept');
    const stdout = await fileFor('numbers');
    await daemon.create(id, await bundles.make('kept', { args: COUNTING }), { stdout });
    await counted(stdout, 2);
    await checkpoint(daemon, id, 'one', { tcp: true });
    daemon = await restart(daemon);
    expect(await listed(daemon, id)).toEqual([flagged('one', { tcp: true })]);
  });

  it('does not start a container that had not had its turn', async () => {
    const holding = await makeHoldingRuntime(daemon.folder, 'run');
    await crash(daemon);
    daemon = await again(daemon, { flags: ['--runtime', holding.file, '--concurrency', '1'] });
    const bundle = await bundles.make('turn');
    const ask = (name: string) => daemon.create(unique(name), bundle).catch(() => 'lost');
    const first = ask('first');
    // Which of two at once comes first is nobody's to say.
    await holding.held();
    const asked = [first, ask('second')];
    await until(
      async () => (await readdir(path.join(daemon.stateDir, 'containers'))).length > 0,
      PATIENCE_MS,
    );
    await crash(daemon);
    expect(await Promise.all(asked)).toEqual(['lost', 'lost']);
    await holding.letOn('work');
    daemon = await again(daemon);
    await until(async () => (await daemon.containers()).length > 0, PATIENCE_MS);
    expect((await daemon.containers()).map(({ id }) => id)).toEqual([unique('first')]);
    expect(await toldOf(daemon, unique('second'))).toEqual([]);
    expect(await holding.calls()).toBe(1);
    await daemon.create(unique('second'), bundle);
    await holding.close();
  });
});

describe('an exit while no daemon is there', () => {
  it('is told once it is back, with its status and time, once over several restarts', async () => {
    const bundle = await bundles.make('told', { args: ENDS_AS_TOLD });
    const [ends, stays] = [unique('ends'), unique('stays')];
    const stdin = await stdinFor('status');
    const init = await daemon.create(ends, bundle, { stdin: stdin.path });
    await daemon.create(stays, await bundles.make('stays'));
    const execStdin = await stdinFor('exec-status');
    const exec = await daemon.exec(stays, ENDS_AS_TOLD, { stdin: execStdin.path });

    await crash(daemon);
    const since = now();
    await stdin.say('7\n');
    await execStdin.say('3\n');
    await Promise.all([gone(init.pid), gone(exec.pid)]);
    const until = now() + NS_PER_MS;

    daemon = await again(daemon);
    const events = await daemon.events({ since });
    for (const told of [await events.exit(ends), await events.exit(stays)]) {
      expect(told.timestamp >= since && told.timestamp <= until).toBe(true);
    }
    expect(await events.exit(ends)).toMatchObject({ pid: init.pid, status: 7 });
    expect(await events.exit(stays)).toMatchObject({ pid: exec.pid, status: 3 });
    events.close();
    expect((await daemon.containers()).map(({ id, processes }) => [id, processes.length])).toEqual([
      [stays, 1],
    ]);

    for (let n = 0; n < 2; n++) daemon = await restart(daemon);
    expect(await toldOf(daemon, ends)).toEqual(['start', 'exit 7']);
    expect(await toldOf(daemon, stays)).toEqual(['start', 'exec', 'exit 3']);
    const numbers = (await journalOf(daemon)).map(({ sequence }) => sequence);
    expect(numbers).toEqual(numbers.map((_, n) => BigInt(n + 1)));
    await daemon.create(ends, bundle);
  });

  it('is told though it was killed in the middle of deleting the container', async () => {
    const holding = await makeHoldingRuntime(daemon.folder, 'delete');
    await crash(daemon);
    daemon = await again(daemon, { flags: ['--runtime', holding.file] });
    const id = unique('deleting');
    const stdin = await stdinFor('status');
    await daemon.create(id, await bundles.make('deleting', { args: ENDS_AS_TOLD }), { stdin: stdin.path });
    await stdin.say('6\n');
    await holding.held();
    await crash(daemon);
    await holding.letOn('work');
    daemon = await again(daemon);
    const events = await daemon.events({ since: 1n });
    expect(await events.exit(id)).toMatchObject({ status: 6 });
    events.close();
    expect(await daemon.runcContainers()).toEqual([]);
    expect(await readdir(path.join(daemon.stateDir, 'containers'))).toEqual([]);
    await expect.poll(() => toldOf(daemon, id)).toEqual(['start', 'exit 6']);
    expect(await holding.calls()).toBe(1);
    await holding.close();
  });
});

describe('what a container reads and writes', () => {
  it('goes on in a file, with no line lost, while no daemon is there', async () => {
    const stdout = await fileFor('numbers');
    await daemon.create(unique('counts'), await bundles.make('counts', { args: COUNTING }), { stdout });
    await counted(stdout, 3);
    await crash(daemon);
    const { length } = await numbersIn(stdout);
    await counted(stdout, length + 3);
    daemon = await again(daemon);
    const numbers = await counted(stdout, (await numbersIn(stdout)).length + 3);
    expect(numbers).toEqual(numbers.map((_, n) => n + 1));
  });

  it('goes on through FIFOs, and ends as its client ends it', async () => {
    const id = unique('fifos');
    const [stdin, stdout] = [inFolder('in'), inFolder('out')];
    for (const fifo of [stdin, stdout]) makeFifo(fifo, 0o600);
    const whole = readAll(openReader(stdout));
    const writer = await open(stdin, 'r+');
    await daemon.create(id, await bundles.make('fifos', { args: ['cat'] }), { stdin, stdout });
    await writer.write('before\n');
    await crash(daemon);
    await writer.write('meanwhile\n');
    daemon = await again(daemon);
    const events = await daemon.events({ since: 1n });
    await writer.write('after\n');
    await writer.close();
    expect(await events.exit(id)).toMatchObject({ status: 0 });
    expect((await whole).toString()).toBe('before\nmeanwhile\nafter\n');
    events.close();
  });

  it('goes on in a terminal, whose size can be set again', async () => {
    const id = unique('terminal');
    const terminal = new ClientTerminal();
    const bundle = await bundles.make('terminal', {
      args: ['sh', '-i'],
      terminal: true,
      env: ['PATH=/bin', 'PS1=> '],
    });
    await daemon.create(id, bundle, { console: terminal.path });
    await terminal.shows('> ');
    await crash(daemon);
    terminal.type('echo mean$((1+1))while\r');
    await terminal.shows('mean2while');
    daemon = await again(daemon);
    expect((await daemon.container(id))?.processes[0]?.terminal).toBe(true);
    await daemon.call('updateProcess', { id, pid: 0, width: 101, height: 31 });
    terminal.type('stty size; exit 2\r');
    await terminal.shows('31 101');
    const events = await daemon.events({ since: 1n });
    expect(await events.exit(id)).toMatchObject({ status: 2 });
    events.close();
    terminal.close();
  });
});

describe('a start that was in flight', () => {
  let holding: HoldingRuntime;
  let id: string;
  let bundle: string;
  beforeEach(async () => {
    id = unique('inflight');
    bundle = await bundles.make('inflight');
  });
  afterEach(() => holding.close());

  /** Has the daemon killed in the middle of a start. */
  async function killAmidStart(): Promise<void> {
    holding = await makeHoldingRuntime(daemon.folder, 'run');
    await crash(daemon);
    daemon = await again(daemon, { flags: ['--runtime', holding.file] });
    const asked = daemon.create(id, bundle).catch(() => 'lost');
    await holding.held();
    await crash(daemon);
    expect(await asked).toBe('lost');
  }
  /** The processes that the runtime was called for run, and no others. */
  async function expectOneRunning(): Promise<void> {
    await until(async () => (await daemon.container(id)) !== undefined, PATIENCE_MS);
    const [init] = (await daemon.container(id))?.processes ?? [];
    expect(await readFile(`/proc/${init?.pid}/cmdline`, 'utf8')).toBe('sleep\x001000\0');
    expect(await holding.calls()).toBe(1);
    await expect
      .poll(async () => (await journalOf(daemon)).filter((it) => it.id === id))
      .toMatchObject([{ type: 'start', pid: init?.pid, adopted: true }]);
    await expect(daemon.create(id, bundle)).rejects.toThrow('container already exists');
  }

  it('is adopted where it succeeds before the next daemon comes', async () => {
    await killAmidStart();
    await holding.letOn('work');
    const state = path.join(daemon.stateDir, 'runc', id, 'state.json');
    await until(async () => (await readFile(state, 'utf8').catch(() => '')) !== '', PATIENCE_MS);
    daemon = await again(daemon);
    await expectOneRunning();
    daemon = await restart(daemon);
    await expectOneRunning();
  });

  it('is adopted where it succeeds under the next daemon', async () => {
    await killAmidStart();
    daemon = await again(daemon);
    expect(await daemon.containers()).toEqual([]);
    await holding.letOn('work');
    await expectOneRunning();
  });

  it.each(['before the next daemon comes', 'under the next daemon'])(
    'is undone where it fails %s',
    async (when) => {
      await killAmidStart();
      const folder = path.join(daemon.stateDir, 'containers');
      if (when.startsWith('before')) await holding.letOn('fail');
      daemon = await again(daemon);
      if (when.startsWith('under')) await holding.letOn('fail');
      await until(async () => (await readdir(folder)).length === 0, PATIENCE_MS);
      expect(await daemon.containers()).toEqual([]);
      expect(await daemon.runcContainers()).toEqual([]);
      expect(await holding.calls()).toBe(1);
      await expect.poll(() => toldOf(daemon, id)).toEqual(['undone']);
      expect((await journalOf(daemon)).find((it) => it.type === 'undone')?.why).not.toBe('');
      await daemon.create(id, bundle);
    },
  );

  it('of an exec is adopted', async () => {
    await daemon.create(id, bundle);
    holding = await makeHoldingRuntime(daemon.folder, 'exec');
    await crash(daemon);
    daemon = await again(daemon, { flags: ['--runtime', holding.file] });
    const asked = daemon.exec(id, ['sleep', '1001']).catch(() => 'lost');
    await holding.held();
    await crash(daemon);
    expect(await asked).toBe('lost');
    daemon = await again(daemon);
    await holding.letOn('work');
    await until(async () => (await daemon.container(id))?.processes[1]?.pid !== undefined, PATIENCE_MS);
    const [, exec] = (await daemon.container(id))?.processes ?? [];
    expect(exec?.args).toEqual(['sleep', '1001']);
    expect(await processState(exec?.pid ?? 0)).toBeDefined();
    await expect.poll(() => toldOf(daemon, id)).toEqual(['start', 'exec']);
    expect((await journalOf(daemon)).at(-1)).toMatchObject({ type: 'exec', adopted: true });
    expect(await holding.calls()).toBe(1);
  });
});

describe('a daemon with --live-restore', () => {
  const live = { flags: ['--live-restore'] };

  it.each(['SIGTERM', 'SIGINT'] as const)('leaves its containers at %s to the next one', async (signal) => {
    await crash(daemon);
    daemon = await again(daemon, live);
    const [id, paused] = [unique('left'), unique('left-paused')];
    const bundle = await bundles.make('left', { args: COUNTING });
    const stdout = await fileFor('numbers');
    await daemon.create(id, bundle, { stdout });
    await daemon.exec(id, ['sleep', '1001']);
    await daemon.create(paused, bundle);
    await daemon.update(paused, { status: 'paused' });
    const before = await daemon.containers();
    daemon.client.close();
    daemon.child.kill(signal);
    expect(await once(daemon.child, 'exit')).toEqual([0, null]);
    await counted(stdout, (await numbersIn(stdout)).length + 2);
    daemon = await again(daemon);
    const after = await daemon.containers();
    expect(after.sort((a, b) => a.id.localeCompare(b.id))).toEqual(before);
    await expect.poll(() => toldOf(daemon, id)).toEqual(['start', 'exec']);
  });

  it('answers the start that is in flight', async () => {
    const holding = await makeHoldingRuntime(daemon.folder, 'run');
    await crash(daemon);
    daemon = await again(daemon, { flags: ['--live-restore', '--runtime', holding.file] });
    const id = unique('answered');
    const bundle = await bundles.make('answered');
    const asked = daemon.create(id, bundle);
    await holding.held();
    const ended = once(daemon.child, 'exit');
    daemon.child.kill('SIGTERM');
    await until(() => daemon.log.some(({ msg }) => msg === 'told to end'), PATIENCE_MS);
    await expect(daemon.create(unique('late'), bundle)).rejects.toThrow('supervisor is shutdown');
    await holding.letOn('work');
    const { pid } = await asked;
    daemon.client.close();
    await ended;
    daemon = await again(daemon);
    expect((await daemon.container(id))?.processes[0]?.pid).toBe(pid);
    await holding.close();
  });

  it('leaves a start that takes too long to the next one, and tells the client', async () => {
    const holding = await makeHoldingRuntime(daemon.folder, 'run');
    await crash(daemon);
    daemon = await again(daemon, { flags: ['--live-restore', '--runtime', holding.file] });
    const id = unique('adopted');
    const asked = failureOf(daemon.create(id, await bundles.make('adopted')));
    await holding.held();
    daemon.child.kill('SIGTERM');
    await until(() => daemon.log.some(({ msg }) => msg === 'told to end'), PATIENCE_MS);
    const ended = once(daemon.child, 'exit');
    daemon.child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect((await asked).code).toBe('UNAVAILABLE');
    daemon.client.close();
    daemon = await again(daemon);
    await holding.letOn('work');
    await until(async () => (await daemon.container(id)) !== undefined, PATIENCE_MS);
    expect(await holding.calls()).toBe(1);
    await holding.close();
  });
});
