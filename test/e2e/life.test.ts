import { readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCHED_OTHER, schedulingPolicy } from '../../src/linux/scheduling.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { type EventStream, failureOf, processState, TestDaemon } from './fixtures/daemon.ts';

let bundles: Bundles;
let daemon: TestDaemon;
let events: EventStream;

beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start();
  events = await daemon.events();
});
afterAll(async () => {
  await daemon?.remove();
  await bundles?.remove();
});

const unique = (name: string) => `${name}-${process.pid}`;

describe('a container', () => {
  it('runs, is listed with its pid, ends, is told of, and its id is free again', async () => {
    const id = unique('life');
    const bundle = await bundles.make('life');
    const { pid } = await daemon.create(id, bundle);
    const [container] = await daemon.containers();
    expect(container).toMatchObject({ id, bundlePath: bundle, status: 'running' });
    expect(container?.processes).toMatchObject([{ pid, args: ['sleep', '1000'], cwd: '/' }]);
    await expect.poll(async () => (await processState(pid))?.letter).toBe('S');

    await daemon.signal(id, 15);
    await daemon.signal(id, 9);
    const exit = await events.exit(id, pid);
    expect(exit.status).toBe(137);
    expect(await processState(pid)).toBeUndefined();
    expect(await daemon.runcContainers()).toEqual([]);

    const again = await daemon.create(id, bundle);
    await daemon.signal(id, 9, again.pid);
    expect((await events.exit(id, again.pid)).status).toBe(137);
    expect(await daemon.containers()).toEqual([]);
  });

  it('is answered with its pid even where it has exited before the answer', async () => {
    const id = unique('short');
    const { pid } = await daemon.create(id, await bundles.make('short', { args: ['sh', '-c', 'exit 42'] }));
    expect(pid).toBeGreaterThan(1);
    expect((await events.exit(id, pid)).status).toBe(42);
  });

  it('gives its id to another as soon as its exit is told, time after time', async () => {
    const id = unique('again');
    const bundle = await bundles.make('again', { args: ['true'] });
    for (let n = 0; n < 10; n += 1) {
      const { pid } = await daemon.create(id, bundle);
      expect((await events.exit(id, pid)).status).toBe(0);
    }
  });

  it('fails in runc’s own words where its program is missing, and leaves nothing', async () => {
    const id = unique('missing');
    const failure = await failureOf(daemon.create(id, await bundles.make('missing', { args: ['nope'] })));
    expect(failure).toEqual({
      code: 'INTERNAL',
      message:
        'containerd: runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH',
    });
    expect(await daemon.runcContainers()).toEqual([]);
    expect(await daemon.containers()).toEqual([]);
  });

  it('is created once where several ask for the same id at once', async () => {
    const id = unique('race');
    const bundle = await bundles.make('race');
    const tries = await Promise.allSettled([1, 2, 3, 4].map(() => daemon.create(id, bundle)));
    expect(tries.filter((it) => it.status === 'fulfilled')).toHaveLength(1);
    expect(await failureOf(daemon.create(id, bundle))).toEqual({
      code: 'ALREADY_EXISTS',
      message: 'containerd: container already exists',
    });
    await daemon.signal(id, 9);
    await events.exit(id);
  });

  it('is refused where its bundle has vanished', async () => {
    const bundle = await bundles.make('vanished');
    await rm(bundle, { recursive: true });
    expect(await failureOf(daemon.create(unique('vanished'), bundle))).toEqual({
      code: 'NOT_FOUND',
      message: 'containerd: bundle not found',
    });
  });
});

describe('many short-lived containers', () => {
  it('each have one exit event with their own pid and status', async () => {
    const COUNT = 60;
    const bundle = await Promise.all(
      Array.from({ length: COUNT }, (_, n) => bundles.make(`many-${n}`, { args: ['sh', '-c', `exit ${n}`] })),
    );
    const pids = await Promise.all(bundle.map((path, n) => daemon.create(unique(`many-${n}`), path)));
    for (const [n, { pid }] of pids.entries()) {
      const exit = await events.exit(unique(`many-${n}`));
      expect({ pid: exit.pid, status: exit.status }).toEqual({ pid, status: n });
    }
    expect(events.seen.filter((it) => it.id.startsWith('many-'))).toHaveLength(COUNT);
    expect(await daemon.runcContainers()).toEqual([]);
  });
});

describe('many containers at once', () => {
  const COUNT = 3 * availableParallelism() + 6;

  /** Starts as many of a bundle; gives their pids. */
  async function startMany(name: string, bundle: string): Promise<number[]> {
    const ids = Array.from({ length: COUNT }, (_, n) => unique(`${name}-${n}`));
    const answers = await Promise.all(ids.map((id) => daemon.create(id, bundle)));
    return answers.map(({ pid }) => pid);
  }
  const endAll = async (pids: number[]) => {
    const ended = pids.map((pid) => events.next((event) => event.type === 'exit' && event.pid === pid));
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await Promise.all(ended);
  };

  it('have the scheduler’s usual policy, and so has what they start', async () => {
    const script = 'sleep 1000 & exec sleep 1000';
    const pids = await startMany('many', await bundles.make('many', { args: ['sh', '-c', script] }));
    const children = await Promise.all(
      pids.map((pid) =>
        expect.poll(() => readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).toMatch(/\d/),
      ),
    );
    expect(children).toHaveLength(COUNT);
    const all = await Promise.all(
      pids.map(async (pid) => [pid, Number(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'))]),
    );
    expect(new Set(all.flat().map(schedulingPolicy))).toEqual(new Set([SCHED_OTHER]));
    await endAll(pids);
  });

  it('have hooks that are run as ever', async () => {
    const bundle = await bundles.make('hooked');
    const file = path.join(bundle, 'config.json');
    const config = JSON.parse(await readFile(file, 'utf8'));
    const told = path.join(bundle, 'policies');
    config.hooks = {
      createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', `chrt -p $$ >>${told}`], env: ENV }],
    };
    await writeFile(file, JSON.stringify(config));
    const pids = await startMany('hooked', bundle);
    const policies = (await readFile(told, 'utf8')).match(/SCHED_\w+/g) ?? [];
    expect(policies).toEqual(Array(COUNT).fill('SCHED_OTHER'));
    await endAll(pids);
  });
  const ENV = [`PATH=${process.env.PATH}`];
});
