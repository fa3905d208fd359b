import { once } from 'node:events';
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import {
  COUNTING,
  checkpoint,
  counted,
  flagged,
  listed,
  makeHoldingBundle,
  makeHoldingRuntime,
  numbersIn,
  until,
} from './fixtures/checkpoint.ts';
import { type EventStream, failureOf, processState, TestDaemon } from './fixtures/daemon.ts';
import { Runner } from './fixtures/run.ts';

let bundles: Bundles;
let daemon: TestDaemon;
let events: EventStream;
let runner: Runner;

beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start();
  events = await daemon.events();
  runner = await Runner.on(daemon, events);
});
afterAll(async () => {
  await daemon?.remove();
  await runner?.remove();
  await bundles?.remove();
});

const unique = (name: string) => `${name}-${process.pid}`;

async function kill(id: string, pid: number): Promise<void> {
  await daemon.signal(id, 9);
  expect((await events.exit(id, pid)).status).toBe(137);
}

/** Resolves once a container that counts into this file has gone on. */
async function goesOn(file: string): Promise<void> {
  const { length } = await numbersIn(file);
  await counted(file, length + 2);
}

const writeScript = (file: string, ...lines: string[]) =>
  writeFile(file, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });

const inFolder = (bundle: string) => readdir(path.join(bundle, 'checkpoints'));

describe('a checkpoint is refused before the container is touched', () => {
  it('where its root is read-only', async () => {
    const bundle = await bundles.make('readonly', { args: COUNTING, readonlyRoot: true });
    const [id, stdout] = [unique('readonly'), await runner.file()];
    const { pid } = await daemon.create(id, bundle, { stdout });
    for (const exit of [true, false]) {
      expect(await failureOf(checkpoint(daemon, id, 'one', { exit }))).toEqual({
        code: 'FAILED_PRECONDITION',
        message: 'containerd: cannot checkpoint: root.readonly is set in its config.json',
      });
    }
    await goesOn(stdout);
    expect(await readdir(bundle)).toEqual(['config.json']);
    await kill(id, pid);
  });
});

describe('a checkpoint that CRIU refuses', () => {
  it('ends in CRIU’s own words, leaves nothing, and the container goes on', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const bundle = await bundles.make('tcp', { args: ['nc', '127.0.0.1', String(port)] });
    const [id, stdout, stdin] = [unique('tcp'), await runner.file(), path.join(runner.folder, 'stdin')];
    await execa('mkfifo', [stdin]);
    const typing = await open(stdin, 'r+');
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const { pid } = await daemon.create(id, bundle, { stdin, stdout });
    const [socket] = await connected;

    const failure = await failureOf(checkpoint(daemon, id, 'one', { exit: true }));
    expect(failure.code).toBe('INTERNAL');
    expect(failure.message.split('\n')[0]).toMatch(/^containerd: criu failed: type NOTIFY errno \d+$/);
    expect(failure.message).toContain('Connected TCP socket, consider using --tcp-established option.');
    expect(await inFolder(bundle)).toEqual([]);
    socket.write('still there\n');
    await until(async () => (await readFile(stdout, 'utf8')) === 'still there\n');

    // With the flag it is taken, and the flag is used again where nobody says so.
    await checkpoint(daemon, id, 'two', { exit: true, tcp: true });
    await events.exit(id, pid);
    socket.write('sent meanwhile\n');
    const again = await daemon.create(id, bundle, { checkpoint: 'two', stdin, stdout });
    await until(async () => (await readFile(stdout, 'utf8')) === 'still there\nsent meanwhile\n');
    expect(await listed(daemon, id)).toEqual([flagged('two', { exit: true, tcp: true })]);
    socket.end();
    await typing.close();
    expect((await events.exit(id, again.pid)).status).toBe(0);
    server.close();
  });
});

describe('a restore that CRIU refuses', () => {
  it('ends in CRIU’s own words, and leaves the checkpoint and an id that is free', async () => {
    const script = 'exec 3>/data/log; while :; do echo line >&3; sleep 0.05; done';
    const bundle = await bundles.make('changed', { args: ['sh', '-c', script] });
    const id = unique('changed');
    const { pid } = await daemon.create(id, bundle);
    await checkpoint(daemon, id, 'one', { exit: true });
    await events.exit(id, pid);
    const other = await bundles.make('other', { args: ['sh', '-c', 'echo more >>/data/log'] });
    const changing = await daemon.create(unique('other'), other);
    await events.exit(unique('other'), changing.pid);

    const failure = await failureOf(daemon.create(id, bundle, { checkpoint: 'one' }));
    expect(failure.code).toBe('INTERNAL');
    expect(failure.message).toMatch(/File data\/log has bad size/);
    expect(failure.message).not.toContain(daemon.stateDir);
    expect(await daemon.containers()).toEqual([]);
    expect(await daemon.runcContainers()).toEqual([]);
    expect(await inFolder(bundle)).toEqual(['one']);
  });
});

describe('while a checkpoint is being made', () => {
  it('nothing is listed, what is asked of the container waits, and a second one of its name is refused', async () => {
    const { bundle, criu } = await makeHoldingBundle(bundles, 'held');
    const [id, stdout] = [unique('held'), await runner.file()];
    const { pid } = await daemon.create(id, bundle, { stdout });
    const made = checkpoint(daemon, id, 'one');
    const { release } = await criu;
    expect(await listed(daemon, id)).toEqual([]);
    const second = failureOf(checkpoint(daemon, id, 'one'));
    // Another container of the same bundle, which does not wait for this one.
    const other = await daemon.create(`${id}-2`, bundle);
    expect((await failureOf(checkpoint(daemon, `${id}-2`, 'one', { exit: true }))).code).toBe(
      'ALREADY_EXISTS',
    );
    await kill(`${id}-2`, other.pid);
    await release();
    await made;
    expect((await second).code).toBe('ALREADY_EXISTS');
    expect(await listed(daemon, id)).toEqual([flagged('one')]);
    await goesOn(stdout);
    await kill(id, pid);
  });

  it('a CRIU that is killed leaves nothing that lists, and the container goes on and can be checkpointed', async () => {
    const { bundle, criu } = await makeHoldingBundle(bundles, 'killed');
    const [id, stdout] = [unique('killed'), await runner.file()];
    const { pid } = await daemon.create(id, bundle, { stdout });
    const failed = failureOf(checkpoint(daemon, id, 'one', { exit: true }));
    const held = await criu;
    process.kill(held.pid, 'SIGKILL');
    expect((await failed).code).toBe('INTERNAL');
    await held.release();
    expect(await inFolder(bundle)).toEqual([]);
    await goesOn(stdout);
    await writeScript(path.join(bundle, 'hook'), 'exit 0');
    await checkpoint(daemon, id, 'one', { exit: true });
    expect((await events.exit(id, pid)).status).toBe(137);
  });

  it('a container that a failed runc left frozen is thawed', async () => {
    const runtime = path.join(bundles.folder, 'freezing');
    // The state dir comes with `--root`, which is the first argument, and the container's id last.
    await writeScript(
      runtime,
      'case " $* " in *" checkpoint "*) for id; do :; done; runc "$1" "$2" pause "$id"; echo no; exit 1 ;; esac',
      'exec runc "$@"',
    );
    const own = await TestDaemon.start({ flags: ['--runtime', runtime] });
    const stdout = await runner.file();
    await own.create(unique('frozen'), await bundles.make('frozen', { args: COUNTING }), { stdout });
    expect(await failureOf(checkpoint(own, unique('frozen'), 'one'))).toEqual({
      code: 'INTERNAL',
      message: 'containerd: no',
    });
    await goesOn(stdout);
    await own.signal(unique('frozen'), 9);
    await own.remove();
  });

  it('a container that ends is said to have ended, and is told of', async () => {
    const folder = path.join(bundles.folder, 'late-runtime');
    await mkdir(folder);
    const { runtime, runc } = await makeHoldingRuntime(folder);
    const own = await TestDaemon.start({ flags: ['--runtime', runtime] });
    const seen = await own.events();
    const bundle = await bundles.make('late', { args: COUNTING });
    const { pid } = await own.create(unique('late'), bundle);
    const failed = failureOf(checkpoint(own, unique('late'), 'one', { exit: true }));
    const { release } = await runc;
    await own.signal(unique('late'), 9);
    await until(async () => (await processState(pid)) === undefined);
    await release();
    expect(await failed).toEqual({
      code: 'FAILED_PRECONDITION',
      message: 'containerd: container has exited',
    });
    expect((await seen.exit(unique('late'), pid)).status).toBe(137);
    expect(await inFolder(bundle)).toEqual([]);
    seen.close();
    await own.remove();
  });

  it('other containers start and end as ever, however long it takes', async () => {
    const folder = path.join(bundles.folder, 'slow-runtime');
    await mkdir(folder);
    const { runtime, runc } = await makeHoldingRuntime(folder);
    const own = await TestDaemon.start({ flags: ['--runtime', runtime, '--concurrency', '2'] });
    const seen = await own.events();
    const bundle = await bundles.make('slow', { args: COUNTING });
    const { pid } = await own.create(unique('slow'), bundle);
    const made = checkpoint(own, unique('slow'), 'one', { exit: true });
    const { release } = await runc;
    const short = await bundles.make('short', { args: ['true'] });
    const ids = Array.from({ length: 8 }, (_, n) => unique(`short-${n}`));
    const pids = await Promise.all(ids.map((id) => own.create(id, short)));
    await Promise.all(ids.map((id, n) => seen.exit(id, pids[n]?.pid)));
    expect((await own.container(unique('slow')))?.status).toBe('running');
    await release();
    await made;
    expect((await seen.exit(unique('slow'), pid)).status).toBe(137);
    seen.close();
    await own.remove();
  });
});

describe('a disk that is full', () => {
  it('is said to be, nothing half written stays on it, and the container goes on', async () => {
    const bundle = await bundles.make('full-disk', { args: COUNTING });
    const folder = path.join(bundle, 'checkpoints');
    await mkdir(folder);
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
    try {
      const [id, stdout] = [unique('full-disk'), await runner.file()];
      const { pid } = await daemon.create(id, bundle, { stdout });
      const failure = await failureOf(checkpoint(daemon, id, 'one', { exit: true }));
      expect(failure.message).toContain('No space left on device');
      expect(await inFolder(bundle)).toEqual([]);
      await goesOn(stdout);
      await kill(id, pid);
    } finally {
      await execa('umount', [folder]);
    }
  });
});

describe('a daemon that is killed while a checkpoint is being made', () => {
  it('finds it whole where CRIU came to its end, though nobody waited for it', async () => {
    const { bundle, criu } = await makeHoldingBundle(bundles, 'orphan');
    const first = await TestDaemon.start();
    const stdout = await runner.file();
    const { pid } = await first.create(unique('orphan'), bundle, { stdout });
    await counted(stdout, 3);
    checkpoint(first, unique('orphan'), 'one', { exit: true }).catch(() => {});
    const { release } = await criu;
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    await release();

    const second = await TestDaemon.start({ folder: first.folder });
    const seen = await second.events({ since: 1n });
    expect((await seen.exit(unique('orphan'), pid)).status).toBe(137);
    expect(await inFolder(bundle)).toEqual(['one']);
    const file = await runner.file();
    const restored = await second.create(unique('orphan'), bundle, { checkpoint: 'one', stdout: file });
    expect((await counted(file, 1))[0]).toBe((await numbersIn(stdout)).length + 1);
    await second.signal(unique('orphan'), 9);
    await seen.exit(unique('orphan'), restored.pid);
    seen.close();
    await second.remove();
  });

  it('finds nothing where CRIU was killed too, and the container goes on', async () => {
    const { bundle, criu } = await makeHoldingBundle(bundles, 'both');
    const first = await TestDaemon.start();
    const stdout = await runner.file();
    await first.create(unique('both'), bundle, { stdout });
    checkpoint(first, unique('both'), 'one', { exit: true }).catch(() => {});
    const held = await criu;
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    process.kill(held.pid, 'SIGKILL');
    await held.release();

    const second = await TestDaemon.start({ folder: first.folder });
    await until(async () => (await second.containers()).length === 1);
    expect(await listed(second, unique('both'))).toEqual([]);
    expect(await inFolder(bundle)).toEqual([]);
    await goesOn(stdout);
    await second.signal(unique('both'), 9);
    await second.remove();
  });
});
