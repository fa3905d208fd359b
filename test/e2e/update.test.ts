import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Freezer, readFreezer, readStateFile } from '../../src/runc/state-file.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { type EventStream, failureOf, TestDaemon } from './fixtures/daemon.ts';
import { Runner } from './fixtures/run.ts';

const [INT, USR1, TERM, KILL] = [2, 10, 15, 9];

let bundles: Bundles;
let daemon: TestDaemon;
let events: EventStream;
let runner: Runner;

beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start();
  events = await daemon.events({ types: ['pause', 'resume', 'exit'] });
  runner = await Runner.on(daemon, events);
});
afterAll(async () => {
  await daemon?.remove();
  await runner?.remove();
  await bundles?.remove();
});

const unique = (name: string) => `${name}-${process.pid}`;

/** What `State` says of a container, and what the kernel's freezer does. */
async function statusOf(id: string): Promise<{ told: string | undefined; freezer: Freezer | undefined }> {
  const state = await readStateFile(path.join(daemon.stateDir, 'runc'), id);
  return {
    told: (await daemon.container(id))?.status,
    freezer: await readFreezer(state?.cgroupPaths ?? {}),
  };
}
const PAUSED = { told: 'paused', freezer: 'frozen' };
const RUNNING = { told: 'running', freezer: 'thawed' };

const toldOf = (id: string) => events.seen.filter((it) => it.id === id).map(({ type }) => type);

/** A container that lives until it is killed. */
async function box(name: string): Promise<string> {
  await daemon.create(unique(name), await bundles.make(name));
  return unique(name);
}

/** A container that writes down each signal, and ends with TERM, once it says so. */
async function listening(name: string): Promise<{ id: string; heard: () => Promise<string> }> {
  const id = unique(name);
  const stdout = await runner.file();
  const script = 'trap "echo INT" INT; trap "echo USR1" USR1; trap "echo TERM; exit 3" TERM; echo ready; ';
  const bundle = await bundles.make(name, { args: ['sh', '-c', `${script}while :; do sleep 0.02; done`] });
  await daemon.create(id, bundle, { stdout });
  const heard = () => runner.read(stdout);
  await expect.poll(heard).toBe('ready\n');
  return { id, heard };
}

async function end(id: string): Promise<void> {
  await daemon.signal(id, KILL);
  expect((await events.exit(id)).status).toBe(128 + KILL);
}

describe('a container', () => {
  it('is paused and resumed, in the kernel as in State, and both are told', async () => {
    const id = await box('both');
    await daemon.update(id, { status: 'paused' });
    expect(await statusOf(id)).toEqual(PAUSED);
    await daemon.update(id, { status: 'running' });
    expect(await statusOf(id)).toEqual(RUNNING);
    expect(toldOf(id)).toEqual(['pause', 'resume']);
    await end(id);
  });

  it('stays as it is where that is asked for, or nothing is, and nothing is told', async () => {
    const id = await box('same');
    for (const status of ['running', '']) {
      await daemon.update(id, { status });
      expect(await statusOf(id)).toEqual(RUNNING);
    }
    await daemon.update(id, { status: 'paused' });
    for (const status of ['paused', '']) {
      await daemon.update(id, { status });
      expect(await statusOf(id)).toEqual(PAUSED);
    }
    expect(toldOf(id)).toEqual(['pause']);
    await end(id);
  });

  it('is left alone where the status asked for is none', async () => {
    const id = await box('unknown');
    expect(await failureOf(daemon.update(id, { status: 'stopped', signal: KILL }))).toEqual({
      code: 'INVALID_ARGUMENT',
      message: 'containerd: unknown container status stopped',
    });
    expect(await statusOf(id)).toEqual(RUNNING);
    await end(id);
  });

  it('is left alone where the signal asked for is none', async () => {
    const id = await box('unsignal');
    expect(await failureOf(daemon.update(id, { status: 'paused', signal: 65 }))).toEqual({
      code: 'INVALID_ARGUMENT',
      message: 'containerd: unknown signal 65',
    });
    expect(await statusOf(id)).toEqual(RUNNING);
    await end(id);
  });

  it('is signalled without a status, and only asked after with signal 0', async () => {
    const { id, heard } = await listening('signal');
    await daemon.update(id, { signal: INT });
    await expect.poll(heard).toBe('ready\nINT\n');
    await daemon.signal(id, 0);
    await daemon.update(id, { signal: USR1 });
    await expect.poll(heard).toBe('ready\nINT\nUSR1\n');
    await end(id);
  });

  it('is resumed, then signalled, where both are asked for', async () => {
    const { id, heard } = await listening('resume-signal');
    await daemon.update(id, { status: 'paused' });
    await daemon.update(id, { status: 'running', signal: TERM });
    expect((await events.exit(id)).status).toBe(3);
    expect(await heard()).toBe('ready\nTERM\n');
    expect(toldOf(id)).toEqual(['pause', 'resume', 'exit']);
  });

  it('is paused, then signalled, where both are asked for: it hears of it once resumed', async () => {
    const { id, heard } = await listening('pause-signal');
    await daemon.update(id, { status: 'paused', signal: TERM });
    expect(await statusOf(id)).toEqual(PAUSED);
    expect(await heard()).toBe('ready\n');
    await daemon.update(id, { status: 'running' });
    expect((await events.exit(id)).status).toBe(3);
    expect(await heard()).toBe('ready\nTERM\n');
  });

  it('is paused together with a process that was being started', async () => {
    const id = await box('launching');
    await Promise.all([daemon.exec(id, ['sleep', '1000']), daemon.update(id, { status: 'paused' })]);
    expect(await statusOf(id)).toEqual(PAUSED);
    expect((await daemon.container(id))?.processes).toHaveLength(2);
    await end(id);
  });

  it('does what it is asked for in the order in which it was asked', async () => {
    const id = await box('storm');
    const statuses = Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? 'paused' : 'running'));
    await Promise.all(statuses.map((status) => daemon.update(id, { status })));
    expect(toldOf(id)).toEqual(statuses.map((status) => (status === 'paused' ? 'pause' : 'resume')));
    expect(await statusOf(id)).toEqual(RUNNING);
    await end(id);
  });

  it('answers whoever asks while it ends, and is told of all the same', async () => {
    for (const seconds of ['0.01', '0.05', '0.09']) {
      const id = unique(`ending-${seconds}`);
      const { pid } = await daemon.create(id, await bundles.make(id, { args: ['sleep', seconds] }));
      const asked = ['paused', 'running', 'paused', 'running', 'paused', 'running'].flatMap((status) => [
        daemon.update(id, { status }),
        daemon.signal(id, 0),
        daemon.update(id, { signal: USR1 }),
      ]);
      const answers = await Promise.allSettled(asked);
      await events.exit(id, pid);
      for (const answer of answers) {
        if (answer.status === 'fulfilled') continue;
        expect([
          { code: 'FAILED_PRECONDITION', message: 'containerd: container has exited' },
          { code: 'NOT_FOUND', message: 'containerd: processs not found for container' },
          { code: 'NOT_FOUND', message: 'containerd: container not found' },
        ]).toContainEqual(await failureOf(Promise.reject(answer.reason)));
      }
    }
  });

  it('is not found once it has ended', async () => {
    const id = await box('gone');
    await end(id);
    expect(await failureOf(daemon.update(id, { status: 'paused' }))).toEqual({
      code: 'NOT_FOUND',
      message: 'containerd: container not found',
    });
  });
});

describe('KILL ends a paused container', () => {
  const ways: [string, (id: string) => Promise<unknown>][] = [
    ['through Signal', (id) => daemon.signal(id, KILL)],
    [
      'through Signal with its pid',
      async (id) => daemon.signal(id, KILL, (await daemon.container(id))?.processes[0]?.pid),
    ],
    ['through UpdateContainer', (id) => daemon.update(id, { signal: KILL })],
    ['that it finds paused already', (id) => daemon.update(id, { status: 'paused', signal: KILL })],
  ];
  for (const [how, kill] of ways) {
    it(how, async () => {
      const id = await box(how.replaceAll(' ', '-'));
      const exec = await daemon.exec(id, ['sleep', '1000']);
      await daemon.update(id, { status: 'paused' });
      await kill(id);
      const exit = await events.next((it) => it.type === 'exit' && it.id === id && it.pid !== exec.pid);
      expect(exit.status).toBe(128 + KILL);
      expect((await events.exit(id, exec.pid)).status).toBe(128 + KILL);
    });
  }

  it('that the same request pauses', async () => {
    const id = await box('at-once');
    await daemon.update(id, { status: 'paused', signal: KILL });
    expect((await events.exit(id)).status).toBe(128 + KILL);
  });
});

describe('a paused container', () => {
  it('hears what it was sent once it is resumed', async () => {
    const { id, heard } = await listening('term');
    await daemon.update(id, { status: 'paused' });
    await daemon.signal(id, USR1);
    await daemon.signal(id, TERM);
    await daemon.signal(id, 0);
    expect(await statusOf(id)).toEqual(PAUSED);
    expect(await heard()).toBe('ready\n');
    await daemon.update(id, { status: 'running' });
    expect((await events.exit(id)).status).toBe(3);
    expect(await heard()).toContain('TERM\n');
  });

  it('keeps a process beside init that was killed until it is resumed', async () => {
    const id = await box('exec');
    const { pid } = await daemon.exec(id, ['sleep', '1000']);
    await daemon.update(id, { status: 'paused' });
    await daemon.signal(id, KILL, pid);
    expect(await statusOf(id)).toEqual(PAUSED);
    await daemon.update(id, { status: 'running' });
    expect((await events.exit(id, pid)).status).toBe(128 + KILL);
    await end(id);
  });
});
