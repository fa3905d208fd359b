import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { subscribeToBeCut } from './fixtures/cut-client.ts';
import { type EventStream, processState, TestDaemon } from './fixtures/daemon.ts';
import { descriptors, shimPidOf } from './fixtures/host.ts';
import { Runner } from './fixtures/run.ts';

/** What containerd 0.0.4 lost, held up or got wrong, in its own words or its issues', and this one does not. */

const KILL = 9;

let bundles: Bundles;
beforeAll(async () => {
  bundles = await makeBundles();
});
afterAll(() => bundles.remove());

const unique = (name: string) => `${name}-${process.pid}`;
/** What was told of a container, in order. */
const toldOf = (events: EventStream, id: string) =>
  events.seen.filter((it) => it.id === id).map(({ type, pid, status }) => ({ type, pid, status }));

describe('an exit', () => {
  let daemon: TestDaemon;
  let events: EventStream;
  let runner: Runner;
  beforeAll(async () => {
    daemon = await TestDaemon.start();
    events = await daemon.events({ types: ['start', 'exec', 'exit'] });
    runner = await Runner.on(daemon, events);
  });
  afterAll(async () => {
    await daemon.remove();
    await runner.remove();
  });

  it('of a container that ends before the reply is told once, with the pid replied', async () => {
    const bundle = await bundles.make('short', { args: ['sh', '-c', 'exit 9'] });
    for (let n = 0; n < 20; n++) {
      const id = unique(`short-${n}`);
      const { pid } = await daemon.create(id, bundle);
      await events.exit(id);
      expect(toldOf(events, id)).toEqual([
        { type: 'start', pid, status: 0 },
        { type: 'exit', pid, status: 9 },
      ]);
    }
  });

  it('of a process that ends while others are being started is told once, after its start', async () => {
    const id = unique('busy');
    const init = await daemon.create(id, await bundles.make('busy'));
    const pids = await Promise.all(
      Array.from({ length: 20 }, async () => (await daemon.exec(id, ['sh', '-c', 'exit 8'])).pid),
    );
    for (const pid of pids) {
      await events.exit(id, pid);
      expect(toldOf(events, id).filter((it) => it.pid === pid)).toEqual([
        { type: 'exec', pid, status: 0 },
        { type: 'exit', pid, status: 8 },
      ]);
    }
    await daemon.signal(id, KILL);
    await events.exit(id, init.pid);
  });

  it('comes after the last of the output, however much there is', async () => {
    const bundle = await bundles.make('wordy', { args: ['sh', '-c', 'seq 1 100000; echo last'] });
    for (let n = 0; n < 5; n++) {
      const id = unique(`wordy-${n}`);
      const stdout = await runner.file();
      await daemon.create(id, bundle, { stdout });
      await events.exit(id);
      expect((await runner.read(stdout)).endsWith('100000\nlast\n')).toBe(true);
    }
  });

  it('frees the id: it can be had again as soon as the event has come', async () => {
    const id = unique('again');
    const bundle = await bundles.make('once', { args: ['true'] });
    for (let n = 0; n < 10; n++) {
      const { pid } = await daemon.create(id, bundle);
      await events.exit(id, pid);
    }
    expect(toldOf(events, id)).toHaveLength(20);
  });
});

describe('a client of Events that goes away', () => {
  let daemon: TestDaemon;
  beforeAll(async () => {
    daemon = await TestDaemon.start({ flags: ['--debug', '--metrics-interval', '100ms'] });
  });
  afterAll(() => daemon.remove());

  /** How many subscribers the daemon's last report has, and how many connections it holds. */
  async function held(): Promise<{ subscribers: number; sockets: number }> {
    const name = daemon.stdout.findLastIndex((line) => line.endsWith('counter events-subscribers'));
    const subscribers = Number(/count: +(\d+)$/.exec(daemon.stdout[name + 1] ?? '')?.[1]);
    const open = await descriptors(daemon.child.pid ?? 0);
    return { subscribers, sockets: open.filter((it) => it.startsWith('socket:')).length };
  }

  // The original found out at the next event, of which there might be none for days.
  it('is forgotten at once where it cancels', async () => {
    await expect.poll(async () => (await held()).subscribers).toBe(0);
    const streams = await Promise.all(Array.from({ length: 20 }, () => daemon.events()));
    await expect.poll(async () => (await held()).subscribers).toBe(20);
    for (const stream of streams) stream.close();
    await expect.poll(async () => (await held()).subscribers).toBe(0);
  });

  it('is forgotten at once where its connection is cut', async () => {
    await daemon.containers();
    const before = await held();
    const cuts = await Promise.all(Array.from({ length: 20 }, () => subscribeToBeCut(daemon.socketPath)));
    await expect.poll(held).toEqual({ subscribers: 20, sockets: before.sockets + 20 });
    for (const cut of cuts) cut();
    await expect.poll(held).toEqual(before);
  });
});

describe('a daemon that is told to end', () => {
  it('ends containers of every kind', async () => {
    const daemon = await TestDaemon.start();
    const shim = await shimPidOf(daemon.child.pid ?? 0);
    const runner = await Runner.on(daemon, await daemon.events());
    const box = async (name: string, args: string[], rest: Parameters<TestDaemon['create']>[2] = {}) => {
      const id = unique(name);
      return { id, ...(await daemon.create(id, await bundles.make(name, { args }), rest)) };
    };
    const unread = runner.fifo();
    const all = [
      await box('polite', ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.02; done']),
      await box('paused', ['sleep', '1000']),
      await box('with-exec', ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.02; done']),
      await box('unread', ['sh', '-c', 'trap "exit 0" TERM; while :; do echo words; done'], {
        stdout: unread,
      }),
    ];
    const [, paused, withExec] = all;
    await daemon.update(paused?.id ?? '', { status: 'paused' });
    const exec = await daemon.exec(withExec?.id ?? '', ['sleep', '1000']);
    // As pid 1 it does not hear of TERM: KILL ends it, ten seconds later or when the daemon is told again.
    all.push(await box('deaf', ['sleep', '1000']));

    daemon.child.kill('SIGTERM');
    await expect.poll(() => processState(all[0]?.pid ?? 0)).toBeUndefined();
    daemon.child.kill('SIGTERM');
    expect(await daemon.stop()).toBe(0);

    for (const pid of [...all.map((it) => it.pid), exec.pid]) expect(await processState(pid)).toBeUndefined();
    expect(await daemon.runcContainers()).toEqual([]);
    // It keeps what nobody has read for ten seconds, should somebody come.
    await expect.poll(() => processState(shim), { timeout: 20_000 }).toBeUndefined();
    await daemon.remove();
    await runner.remove();
  });
});

describe('a daemon that was killed and started again', () => {
  it('lists its containers from its first answer on', async () => {
    const before = await TestDaemon.start();
    const ids = Array.from({ length: 8 }, (_, n) => unique(`again-${n}`));
    const bundle = await bundles.make('again');
    await Promise.all(ids.map((id) => before.create(id, bundle)));
    before.client.close();
    before.child.kill('SIGKILL');
    await once(before.child, 'exit');

    const after = await TestDaemon.start({ folder: before.folder });
    try {
      expect((await after.containers()).map(({ id }) => id).toSorted()).toEqual(ids);
      const events = await after.events();
      await Promise.all(ids.map((id) => after.signal(id, KILL)));
      for (const id of ids) expect((await events.exit(id)).status).toBe(128 + KILL);
    } finally {
      await after.remove();
    }
  });
});
