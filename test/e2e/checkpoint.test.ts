import { execFileSync } from 'node:child_process';
import { constants, createReadStream } from 'node:fs';
import { cp, mkdir, open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { COUNTING, checkpoint, counted, flagged, listed, numbersIn, until } from './fixtures/checkpoint.ts';
import { type EventStream, failureOf, processState, TestDaemon } from './fixtures/daemon.ts';
import { Runner } from './fixtures/run.ts';

let bundles: Bundles;
let daemon: TestDaemon;
let events: EventStream;
let runner: Runner;

beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start();
  events = await daemon.events({ types: ['start', 'exit', 'checkpoint'] });
  runner = await Runner.on(daemon, events);
});
afterAll(async () => {
  await daemon?.remove();
  await runner?.remove();
  await bundles?.remove();
});

const unique = (name: string) => `${name}-${process.pid}`;

/** Ends a container; gives its exit status. */
async function kill(id: string, pid: number): Promise<number> {
  await daemon.signal(id, 9);
  return (await events.exit(id, pid)).status;
}

/** A container that counts into a new file, which has counted a few. */
async function counting(name: string) {
  const [id, bundle, stdout] = [
    unique(name),
    await bundles.make(name, { args: COUNTING }),
    await runner.file(),
  ];
  const { pid } = await daemon.create(id, bundle, { stdout });
  await counted(stdout, 3);
  return { id, bundle, stdout, pid };
}

describe('a checkpoint with exit', () => {
  it('ends the container, whose id can be restored from it at once, and goes on where it was', async () => {
    const { id, bundle, stdout, pid } = await counting('exits');
    await checkpoint(daemon, id, 'one', { exit: true });
    expect(await events.exit(id, pid)).toMatchObject({ status: 137 });
    const before = await numbersIn(stdout);

    const file = await runner.file();
    const again = await daemon.create(id, bundle, { checkpoint: 'one', stdout: file });
    const after = await counted(file, 3);
    expect(after.slice(0, 3)).toEqual([1, 2, 3].map((n) => before.length + n));
    expect(await daemon.container(id)).toMatchObject({
      status: 'running',
      bundlePath: bundle,
      processes: [{ pid: again.pid, args: COUNTING }],
    });
    expect(await readFile(`/proc/${again.pid}/cmdline`, 'utf8')).toBe(`${COUNTING.join('\0')}\0`);
    expect(events.seen.filter((it) => it.id === id).map((it) => [it.type, it.pid])).toEqual([
      ['start', pid],
      ['checkpoint', pid],
      ['exit', pid],
      ['start', again.pid],
    ]);
    expect(events.seen.find((it) => it.id === id && it.type === 'checkpoint')?.checkpoint).toEqual(
      flagged('one', { exit: true }),
    );
    expect(await kill(id, again.pid)).toBe(137);
    expect(await daemon.runcContainers()).not.toContain(id);
  });

  it('ends the processes beside init, which are told of first and are not restored', async () => {
    const { id, bundle, pid } = await counting('execs');
    const exec = await daemon.exec(id, ['sleep', '1000']);
    await checkpoint(daemon, id, 'one', { exit: true });
    expect((await events.exit(id, pid)).status).toBe(137);
    const exits = events.seen.filter((it) => it.id === id && it.type === 'exit');
    expect(exits.map((it) => [it.pid, it.status])).toEqual([
      [exec.pid, 137],
      [pid, 137],
    ]);
    const again = await daemon.create(id, bundle, { checkpoint: 'one' });
    expect((await daemon.container(id))?.processes.map((it) => it.pid)).toEqual([again.pid]);
    await kill(id, again.pid);
  });
});

describe('a checkpoint without exit', () => {
  it('leaves the container and its other processes running', async () => {
    const { id, stdout, pid } = await counting('stays');
    const exec = await daemon.exec(id, ['sleep', '1000']);
    await checkpoint(daemon, id, 'one');
    const count = (await numbersIn(stdout)).length;
    const numbers = await counted(stdout, count + 3);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect((await daemon.container(id))?.processes.map((it) => it.pid)).toEqual([pid, exec.pid]);
    await kill(id, pid);
  });

  it('can be restored more than once, under other ids, beside the container that it is of', async () => {
    const { id, bundle, pid } = await counting('many');
    await checkpoint(daemon, id, 'one');
    const files = [await runner.file(), await runner.file()];
    const copies = await Promise.all(
      files.map((stdout, n) => daemon.create(`${id}-${n}`, bundle, { checkpoint: 'one', stdout })),
    );
    const [first, second] = await Promise.all(files.map((file) => counted(file, 2)));
    expect(first?.slice(0, 2)).toEqual(second?.slice(0, 2));
    expect(first?.[0]).toBeGreaterThan(3);
    expect(new Set([pid, ...copies.map((it) => it.pid)]).size).toBe(3);
    await Promise.all([kill(id, pid), ...copies.map((it, n) => kill(`${id}-${n}`, it.pid))]);
  });
});

describe('a paused container', () => {
  it('stays paused at its checkpoint, and runs once restored', async () => {
    const { id, bundle, stdout, pid } = await counting('paused');
    await daemon.update(id, { status: 'paused' });
    await checkpoint(daemon, id, 'stay');
    expect((await daemon.container(id))?.status).toBe('paused');
    const count = (await numbersIn(stdout)).length;
    await daemon.update(id, { status: 'running' });
    await counted(stdout, count + 1);
    await daemon.update(id, { status: 'paused' });
    await checkpoint(daemon, id, 'exit', { exit: true });
    expect((await events.exit(id, pid)).status).toBe(137);

    const file = await runner.file();
    const again = await daemon.create(id, bundle, { checkpoint: 'exit', stdout: file });
    expect((await daemon.container(id))?.status).toBe('running');
    const before = await numbersIn(stdout);
    expect((await counted(file, 1))[0]).toBe(before.length + 1);
    await kill(id, again.pid);
  });
});

describe('the checkpoints of a container', () => {
  it('are listed with the flags that they were made with, and are gone once deleted', async () => {
    const { id, pid } = await counting('list');
    const made = [
      flagged('b', { tcp: true, shell: true }),
      flagged('a', { unixSockets: true }),
      flagged('c', { exit: false }),
    ];
    for (const { name, ...flags } of made) await checkpoint(daemon, id, name, flags);
    expect(await listed(daemon, id)).toEqual([made[1], made[0], made[2]]);
    await daemon.call('deleteCheckpoint', { id, name: 'b' });
    expect((await listed(daemon, id)).map(({ name }) => name)).toEqual(['a', 'c']);
    expect(await failureOf(daemon.call('deleteCheckpoint', { id, name: 'b' }))).toEqual({
      code: 'NOT_FOUND',
      message: 'containerd: checkpoint does not exist for container',
    });
    expect(await failureOf(checkpoint(daemon, id, 'a'))).toEqual({
      code: 'ALREADY_EXISTS',
      message: 'containerd: checkpoint already exists',
    });
    await kill(id, pid);
  });

  it('cannot be asked for where there is no container, nor by names that are none', async () => {
    const { id, bundle, pid } = await counting('refused');
    const notFound = { code: 'NOT_FOUND', message: 'containerd: container not found' };
    expect(await failureOf(checkpoint(daemon, 'nobody', 'a'))).toEqual(notFound);
    expect(await failureOf(daemon.call('deleteCheckpoint', { id: 'nobody', name: 'a' }))).toEqual(notFound);
    expect(await failureOf(daemon.call('listCheckpoint', { id: 'nobody' }))).toEqual({
      code: 'NOT_FOUND',
      message: 'no such containers',
    });
    expect(await failureOf(daemon.create(unique('none'), bundle, { checkpoint: 'none' }))).toEqual({
      code: 'NOT_FOUND',
      message: 'containerd: checkpoint does not exist for container',
    });
    const empty = { code: 'INVALID_ARGUMENT', message: 'checkpoint name cannot be empty' };
    expect(await failureOf(daemon.call('createCheckpoint', { id, checkpoint: undefined }))).toEqual(empty);
    expect(await failureOf(checkpoint(daemon, id, ''))).toEqual(empty);
    expect(await failureOf(daemon.call('deleteCheckpoint', { id, name: '' }))).toEqual(empty);
    for (const name of ['.', '..', '../x', 'a/b', 'a b', 'a~1-2-3', 'ü', 'x'.repeat(256)]) {
      const message = expect.stringContaining('is not valid');
      const refused = { code: 'INVALID_ARGUMENT', message };
      expect(await failureOf(checkpoint(daemon, id, name))).toEqual(refused);
      expect(await failureOf(daemon.call('deleteCheckpoint', { id, name }))).toEqual(refused);
      expect(await failureOf(daemon.create('x', bundle, { checkpoint: name }))).toEqual(refused);
    }
    expect(await listed(daemon, id)).toEqual([]);
    await kill(id, pid);
  });
});

describe('what a restored process reads and writes', () => {
  it('goes on at the end of the same file', async () => {
    const { id, bundle, stdout, pid } = await counting('same');
    await checkpoint(daemon, id, 'one', { exit: true });
    await events.exit(id, pid);
    const count = (await numbersIn(stdout)).length;
    const again = await daemon.create(id, bundle, { checkpoint: 'one', stdout });
    const numbers = await counted(stdout, count + 5);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    await kill(id, again.pid);
  });

  it('is neither lost nor doubled where nobody read it in time', async () => {
    const LINES = 50_000;
    const script = `n=0; while [ $n -lt ${LINES} ]; do n=$((n+1)); echo $n; done; echo end`;
    const bundle = await bundles.make('full', { args: ['sh', '-c', script] });
    const id = unique('full');
    const fifo = path.join(runner.folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const keeper = await open(fifo, constants.O_RDWR);
    const { pid } = await daemon.create(id, bundle, { stdout: fifo });
    // Both pipes are full: it waits in the middle of a write.
    const wchan = () => readFile(`/proc/${pid}/wchan`, 'utf8');
    await until(async () => (await wchan()).includes('pipe_write'));
    await checkpoint(daemon, id, 'one', { exit: true });
    const text = readUntil(fifo, 'end\n');
    await events.exit(id, pid);
    const again = await daemon.create(id, bundle, { checkpoint: 'one', stdout: fifo });
    expect((await text).split('\n')).toEqual([
      ...Array.from({ length: LINES }, (_, n) => `${n + 1}`),
      'end',
      '',
    ]);
    expect((await events.exit(id, again.pid)).status).toBe(0);
    await keeper.close();
  });

  it('is stdin too, to its end', async () => {
    const bundle = await bundles.make('stdin', {
      args: ['sh', '-c', 'while read x; do echo got $x; done; exit 7'],
    });
    const id = unique('stdin');
    const [stdin, stdout] = [path.join(runner.folder, 'stdin'), await runner.file()];
    execFileSync('mkfifo', [stdin]);
    const writer = await open(stdin, constants.O_RDWR);
    const { pid } = await daemon.create(id, bundle, { stdin, stdout });
    await writer.write('one\n');
    await until(async () => (await readFile(stdout, 'utf8')) === 'got one\n');
    await checkpoint(daemon, id, 'one', { exit: true });
    await events.exit(id, pid);
    const again = await daemon.create(id, bundle, { stdin, stdout, checkpoint: 'one' });
    await writer.write('two\n');
    await until(async () => (await readFile(stdout, 'utf8')) === 'got one\ngot two\n');
    await writer.close();
    expect((await events.exit(id, again.pid)).status).toBe(7);
  });

  it('may be nothing, before and after', async () => {
    const bundle = await bundles.make('quiet', { args: COUNTING });
    const id = unique('quiet');
    const { pid } = await daemon.create(id, bundle);
    await checkpoint(daemon, id, 'one', { exit: true });
    await events.exit(id, pid);
    const again = await daemon.create(id, bundle, { checkpoint: 'one' });
    expect((await processState(again.pid))?.letter).toMatch(/[SR]/);
    await kill(id, again.pid);
  });
});

describe('what else is kept', () => {
  it('are the files of a tmpfs and the environment, the limits and the pids within', async () => {
    const script =
      'echo kept >/tmp/x; export A=1; ulimit -n 99; while :; do sleep 0.05; [ -e /data/go ] && break; done';
    const tell = 'cat /tmp/x; echo $A $$ `ulimit -n`';
    const bundle = await bundles.make('kept', { args: ['sh', '-c', `${script}; ${tell}; rm /data/go`] });
    const id = unique('kept');
    const { pid } = await daemon.create(id, bundle, { stdout: await runner.file() });
    await until(async () => (await runner.exec(id, ['test', '-e', '/tmp/x'])).status === 0);
    await checkpoint(daemon, id, 'one', { exit: true });
    await events.exit(id, pid);
    const stdout = await runner.file();
    const again = await daemon.create(id, bundle, { checkpoint: 'one', stdout });
    await runner.sh(id, 'echo >/data/go');
    expect((await events.exit(id, again.pid)).status).toBe(0);
    expect(await readFile(stdout, 'utf8')).toBe('kept\n1 1 99\n');
  });
});

describe('a socket of which the other end is outside', () => {
  it('is a matter of a flag, which is used again on restore', async () => {
    const shared = path.join(bundles.folder, 'shared');
    await mkdir(shared);
    const make = (name: string, program: string) => {
      const script = `busybox ln -s /shared/log /dev/log; exec busybox ${program}`;
      return bundles.make(name, { args: ['sh', '-c', script], binds: { '/shared': shared } });
    };
    const logged = (message: string) =>
      until(async () =>
        (await readFile(path.join(shared, 'messages'), 'utf8').catch(() => '')).includes(message),
      );
    const [listener, id] = [unique('syslogd'), unique('logger')];
    const listening = await daemon.create(listener, await make('syslogd', 'syslogd -n -O /shared/messages'));
    await logged('syslogd started');

    const bundle = await make('logger', 'logger -t box');
    const stdin = path.join(runner.folder, 'words');
    execFileSync('mkfifo', [stdin]);
    const writer = await open(stdin, constants.O_RDWR);
    const { pid } = await daemon.create(id, bundle, { stdin });
    await writer.write('first\n');
    await logged('box: first');
    const refused = await failureOf(checkpoint(daemon, id, 'one', { exit: true }));
    expect(refused.message).toContain('External socket is used. Consider using --ext-unix-sk option.');
    await checkpoint(daemon, id, 'one', { exit: true, unixSockets: true });
    await events.exit(id, pid);
    const again = await daemon.create(id, bundle, { stdin, checkpoint: 'one' });
    await writer.write('second\n');
    await logged('box: second');
    await writer.close();
    expect((await events.exit(id, again.pid)).status).toBe(0);
    await kill(listener, listening.pid);
  });
});

describe('a checkpoint that another host made', () => {
  it('is restored from where it was copied to, with our flags and without', async () => {
    const { id, bundle, pid } = await counting('there');
    await checkpoint(daemon, id, 'one', { exit: true });
    await events.exit(id, pid);
    const here = await bundles.make('here', { args: COUNTING });
    await cp(path.join(bundle, 'checkpoints/one'), path.join(here, 'checkpoints/copied'), {
      recursive: true,
    });
    await rm(bundle, { recursive: true });
    for (const files of [[], ['config.json']]) {
      for (const file of files) await rm(path.join(here, 'checkpoints/copied', file));
      const stdout = await runner.file();
      const copy = await daemon.create(unique('here'), here, { checkpoint: 'copied', stdout });
      expect((await counted(stdout, 1))[0]).toBeGreaterThan(3);
      expect((await listed(daemon, unique('here'))).map(({ name }) => name)).toEqual(['copied']);
      await kill(unique('here'), copy.pid);
    }
  });
});

/** What comes out of a FIFO up to those words. */
async function readUntil(fifo: string, words: string): Promise<string> {
  let text = '';
  for await (const piece of createReadStream(fifo, 'utf8')) {
    text += piece;
    if (text.endsWith(words)) break;
  }
  return text;
}
