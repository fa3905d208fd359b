import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { type EventStream, TestDaemon } from './fixtures/daemon.ts';
import { countWatchedFiles, descriptors, onCgroupV2 } from './fixtures/host.ts';

const KILL = 9;
const KILLED = 128 + KILL;
const LIMIT_BYTES = 32 * 2 ** 20;
/** busybox's tail keeps what it may have to print, and of /dev/zero that is all. */
const HUNGRY = ['tail', '/dev/zero'];

let bundles: Bundles;
let daemon: TestDaemon;
let events: EventStream;

beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start({ flags: ['--oom-notify'] });
  events = await daemon.events();
});
afterAll(async () => {
  await daemon?.remove();
  await bundles?.remove();
});

const unique = (name: string) => `${name}-${process.pid}`;
const limited = (name: string, args?: string[]) =>
  bundles.make(name, { memoryLimitBytes: LIMIT_BYTES, ...(args && { args }) });
const told = (id: string, of = events) =>
  of.seen.filter((it) => it.id === id).map(({ type, pid, status }) => ({ type, pid, status }));

describe('with --oom-notify', () => {
  it('an init that the kernel kills for want of memory has its oom event before its exit', async () => {
    const id = unique('init');
    const { pid } = await daemon.create(id, await limited('init', HUNGRY));
    await events.exit(id);
    expect(told(id)).toEqual([
      { type: 'oom', pid, status: 0 },
      { type: 'exit', pid, status: KILLED },
    ]);
  });

  it('so does the next container of the same id', async () => {
    const id = unique('again');
    const bundle = await limited('again', HUNGRY);
    for (let round = 1; round <= 3; round++) {
      const { pid } = await daemon.create(id, bundle);
      await events.exit(id, pid);
      expect(told(id).map(({ type }) => type)).toEqual(Array(round).fill(['oom', 'exit']).flat());
    }
  });

  it('a child that is killed is told of while init lives on, once for each', async () => {
    const id = unique('child');
    const script = 'trap "tail /dev/zero" USR1; while :; do sleep 0.05; done';
    const { pid } = await daemon.create(id, await limited('child', ['sh', '-c', `echo; ${script}`]));
    for (const count of [1, 2]) {
      await daemon.signal(id, 10);
      await expect
        .poll(() => told(id).map(({ type }) => type), { timeout: 20_000 })
        .toEqual(Array(count).fill('oom'));
    }
    expect(await daemon.container(id)).toMatchObject({ status: 'running', processes: [{ pid }] });
    await daemon.signal(id, KILL);
    await events.exit(id);
    expect(told(id).map(({ type }) => type)).toEqual(['oom', 'oom', 'exit']);
  });

  it('an exec that is killed has the oom event before its exit, and init lives on', async () => {
    const id = unique('exec');
    const init = await daemon.create(id, await limited('exec'));
    const { pid } = await daemon.exec(id, HUNGRY);
    await events.exit(id, pid);
    expect(told(id)).toEqual([
      { type: 'oom', pid: init.pid, status: 0 },
      { type: 'exit', pid, status: KILLED },
    ]);
    await daemon.signal(id, KILL);
    await events.exit(id, init.pid);
    expect(told(id).filter(({ type }) => type === 'oom')).toHaveLength(1);
  });

  it('a container that is killed by a client has none', async () => {
    const id = unique('killed');
    await daemon.create(id, await limited('killed'));
    await daemon.signal(id, KILL);
    await events.exit(id);
    expect(told(id).map(({ type }) => type)).toEqual(['exit']);
  });

  it('a watch holds one descriptor of v1, and watches one file of v2, as long as its container lives', async () => {
    const pid = daemon.child.pid ?? 0;
    const eventfds = async () => (await descriptors(pid)).filter((it) => it.includes('eventfd')).length;
    const watches = onCgroupV2 ? () => countWatchedFiles(pid) : eventfds;
    const before = await watches();
    const all = await descriptors(pid);
    const ids = ['a', 'b', 'c', 'd'].map((name) => unique(`watched-${name}`));
    const bundle = await limited('watched');
    for (const id of ids) await daemon.create(id, bundle);
    await expect.poll(watches).toBe(before + ids.length);
    const count = async () => (await descriptors(pid)).length;
    if (onCgroupV2) await expect.poll(count).toBeLessThanOrEqual(all.length);
    for (const id of ids) {
      await daemon.signal(id, KILL);
      await events.exit(id);
    }
    await expect.poll(watches).toBe(before);
    await expect.poll(count).toBeLessThanOrEqual(all.length);
  });
});

describe('without --oom-notify', () => {
  it('nobody is told, and nothing is watched', async () => {
    const quiet = await TestDaemon.start();
    try {
      const seen = await quiet.events();
      const id = unique('quiet');
      const { pid } = await quiet.create(id, await limited('quiet', HUNGRY));
      expect((await seen.exit(id, pid)).status).toBe(KILLED);
      expect(told(id, seen).map(({ type }) => type)).toEqual(['exit']);
    } finally {
      await quiet.remove();
    }
  });
});

describe('a daemon that takes up containers of a former one', () => {
  it('goes on watching, and does not tell again what that had told', async () => {
    const former = await TestDaemon.start({ flags: ['--oom-notify'] });
    const id = unique('adopted');
    const script = 'trap "tail /dev/zero" USR1; while :; do sleep 0.05; done';
    await former.create(id, await limited('adopted', ['sh', '-c', script]));
    const before = await former.events();
    await former.signal(id, 10);
    await before.next((it) => it.type === 'oom');
    await expect.poll(() => readFile(`${former.stateDir}/containers/${id}/oom-kills`, 'utf8')).toBe('1');
    before.close();
    former.client.close();
    former.child.kill('SIGKILL');
    await new Promise((resolve) => former.child.once('exit', resolve));

    const next = await TestDaemon.start({ folder: former.folder, flags: ['--oom-notify'] });
    try {
      const after = await next.events();
      await next.signal(id, 10);
      await after.next((it) => it.type === 'oom');
      await next.signal(id, KILL);
      await after.exit(id);
      expect(told(id, after).map(({ type }) => type)).toEqual(['oom', 'exit']);
    } finally {
      await next.remove();
    }
  });
});
