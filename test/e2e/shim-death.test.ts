import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { failureOf, processState, TestDaemon } from './fixtures/daemon.ts';
import { descriptors } from './fixtures/host.ts';
import { again, crash, makeHoldingRuntime, removeAll, toldOf } from './fixtures/restart.ts';
import { until } from './fixtures/until.ts';

const [TERM, KILL] = [15, 9];
const PATIENCE_MS = 30_000;
/** Ends with a status of its own when told to; says nothing, as there would be nobody to say it to. */
const ENDS_ON_TERM = ['sh', '-c', 'trap "exit 5" TERM; while :; do sleep 0.1; done'];

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
const says = (msg: string) => until(() => daemon.log.some((line) => line.msg === msg), PATIENCE_MS);

/** The shim that is the parent of a container's init. */
async function shimOf(pid: number): Promise<number> {
  const parent = (await processState(pid))?.parent ?? 0;
  expect(await descriptors(parent)).toContain(path.join(daemon.stateDir, 'shim.lock'));
  return parent;
}

/** Kills the shim that has this child, and waits until the daemon has another. */
async function killShimOf(pid: number): Promise<void> {
  process.kill(await shimOf(pid), 'SIGKILL');
  await says('a shim is there again');
}

describe('a daemon whose shim was killed', () => {
  it('goes on with another, for containers old and new, and says what was lost', async () => {
    const [old, young] = [unique('old'), unique('young')];
    const bundle = await bundles.make('both', { args: ENDS_ON_TERM });
    const { pid } = await daemon.create(old, bundle);
    const { pid: exec } = await daemon.exec(old, ['sleep', '1000']);
    await killShimOf(pid);
    const lost = () =>
      daemon.log.flatMap(({ msg, id, process, pid }) =>
        msg.startsWith('a process has lost its shim') ? { id, process, pid } : [],
      );
    await expect.poll(lost).toEqual([
      { id: old, process: 'init', pid },
      { id: old, process: 'exec-1', pid: exec },
    ]);

    expect((await daemon.container(old))?.processes.map((it) => it.pid)).toEqual([pid, exec]);
    const events = await daemon.events();
    const { pid: late } = await daemon.exec(old, ['sh', '-c', 'exit 4']);
    expect(await events.exit(old, late)).toMatchObject({ status: 4 });
    await daemon.update(old, { status: 'paused' });
    await daemon.update(old, { status: 'running' });

    const { pid: youngPid } = await daemon.create(young, bundle);
    expect(await shimOf(youngPid)).not.toBe(pid);
    await daemon.signal(young, KILL);
    expect(await events.exit(young)).toMatchObject({ status: 128 + KILL });
    events.close();
  });

  it('signals the processes that it left, and tells their ends exactly', async () => {
    const id = unique('orphan');
    const { pid } = await daemon.create(id, await bundles.make('orphan', { args: ENDS_ON_TERM }));
    const { pid: exec } = await daemon.exec(id, ['sleep', '1000']);
    await killShimOf(pid);
    const events = await daemon.events();
    await daemon.signal(id, 0, exec);
    await daemon.signal(id, KILL, exec);
    expect(await events.exit(id, exec)).toMatchObject({ status: 128 + KILL });
    expect(await failureOf(daemon.signal(id, 0, exec))).toMatchObject({ code: 'NOT_FOUND' });
    await daemon.signal(id, TERM);
    expect(await events.exit(id, pid)).toMatchObject({ status: 5 });
    events.close();
    expect(await daemon.runcContainers()).toEqual([]);
    expect(await toldOf(daemon, id)).toEqual(['start', 'exec', 'exit 137', 'exit 5']);
    await daemon.create(id, await bundles.make('orphan'));
  });

  it('tells that stdio is gone where it is asked to change it', async () => {
    const id = unique('stdio');
    const { pid } = await daemon.create(id, await bundles.make('stdio', { args: ENDS_ON_TERM }));
    await killShimOf(pid);
    const failure = await failureOf(daemon.call('updateProcess', { id, pid, closeStdin: true }));
    expect(failure.code).toBe('UNAVAILABLE');
    expect(failure.message).toMatch(/^containerd: the shim was lost: .*stdio/);
  });

  it.each(['run', 'exec'])('answers the %s that was in flight, and undoes it', async (verb) => {
    const holding = await makeHoldingRuntime(daemon.folder, verb);
    const [box, id] = [unique('box'), unique('lost')];
    const bundle = await bundles.make('lost', { args: ENDS_ON_TERM });
    await daemon.create(box, bundle);
    await crash(daemon);
    daemon = await again(daemon, { flags: ['--runtime', holding.file] });
    const pid = (await daemon.container(box))?.processes[0]?.pid ?? 0;
    const asked = failureOf(verb === 'run' ? daemon.create(id, bundle) : daemon.exec(box, ['sleep', '1000']));
    await holding.held();
    await killShimOf(pid);
    await holding.letOn('work');
    expect(await asked).toMatchObject({ code: 'UNAVAILABLE' });
    expect((await asked).message).toMatch(/^containerd: the shim was lost: /);
    expect((await daemon.containers()).map((it) => [it.id, it.processes.length])).toEqual([[box, 1]]);
    expect(await daemon.runcContainers()).toEqual([box]);
    expect(await readdir(path.join(daemon.stateDir, 'containers'))).toEqual([box]);
    expect(await holding.calls()).toBe(1);
    await holding.close();
  });

  it('answers a pause that was in flight by what became of it', async () => {
    const holding = await makeHoldingRuntime(daemon.folder, 'pause');
    const id = unique('pausing');
    const { pid } = await daemon.create(id, await bundles.make('pausing', { args: ENDS_ON_TERM }));
    await crash(daemon);
    daemon = await again(daemon, { flags: ['--runtime', holding.file] });
    const asked = daemon.update(id, { status: 'paused' });
    await holding.held();
    await killShimOf(pid);
    await holding.letOn('work');
    await asked;
    expect(await daemon.container(id)).toMatchObject({ status: 'paused' });
    await daemon.update(id, { status: 'running' });
    expect(await toldOf(daemon, id)).toEqual(['start', 'pause', 'resume']);
    await holding.close();
  });

  it('ends its containers when it is told to end', async () => {
    const id = unique('stopped');
    const { pid } = await daemon.create(id, await bundles.make('stopped', { args: ENDS_ON_TERM }));
    await killShimOf(pid);
    daemon.client.close();
    daemon.child.kill('SIGTERM');
    expect(await once(daemon.child, 'exit')).toEqual([0, null]);
    expect(await toldOf(daemon, id)).toEqual(['start', 'exit 5']);
    daemon = await again(daemon);
  });
});

describe('a daemon that comes back after its shim was killed too', () => {
  it('takes up what lives, signals it, and tells its ends exactly', async () => {
    const id = unique('both');
    const { pid } = await daemon.create(id, await bundles.make('both-dead', { args: ENDS_ON_TERM }));
    const { pid: exec } = await daemon.exec(id, ['sleep', '1000']);
    const before = await daemon.containers();
    const shim = await shimOf(pid);
    await crash(daemon);
    process.kill(shim, 'SIGKILL');
    daemon = await again(daemon);
    expect(await daemon.containers()).toEqual(before);
    const events = await daemon.events();
    await daemon.signal(id, KILL, exec);
    expect(await events.exit(id, exec)).toMatchObject({ status: 128 + KILL });
    await daemon.signal(id, TERM);
    expect(await events.exit(id, pid)).toMatchObject({ status: 5 });
    events.close();
    expect(await toldOf(daemon, id)).toEqual(['start', 'exec', 'exit 137', 'exit 5']);
  });

  it('tells the ends that nobody saw, and says where it does not know how', async () => {
    const id = unique('unseen');
    const { pid } = await daemon.create(id, await bundles.make('unseen', { args: ENDS_ON_TERM }));
    const shim = await shimOf(pid);
    await crash(daemon);
    process.kill(shim, 'SIGKILL');
    await until(async () => (await processState(pid))?.parent !== shim, PATIENCE_MS);
    process.kill(pid, 'SIGKILL');
    await until(async () => ['Z', undefined].includes((await processState(pid))?.letter), PATIENCE_MS);
    daemon = await again(daemon);
    const events = await daemon.events({ since: 1n });
    // A zombie that its adopter leaves there tells how it ended; of one that was reaped nobody knows.
    const { status, unknown } = await events.exit(id, pid);
    expect([255, 128 + KILL]).toContain(status);
    expect(unknown).toBe(status === 255);
    const saysUnknown = ({ msg }: { msg: string }) => msg.includes('its exit status is not known');
    expect(daemon.log.some(saysUnknown)).toBe(status === 255);
    events.close();
    expect(await daemon.containers()).toEqual([]);
  });
});
