import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SmallDisk } from '../actors/small-disk.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { type EventStream, failureOf, TestDaemon } from './fixtures/daemon.ts';
import { census, countDescriptors, shimPidOf } from './fixtures/host.ts';
import { makeMisbehavingRuntime } from './fixtures/misbehaving-runtime.ts';
import { journalOf } from './fixtures/restart.ts';

/** A host that has no more to give: what is asked meanwhile fails and says why, and afterwards all is as before. */

const KILL = 9;
const ID = `trouble-${process.pid}`;

let bundles: Bundles;
let bundle: string;
beforeAll(async () => {
  bundles = await makeBundles();
  bundle = await bundles.make('plain');
});
afterAll(() => bundles.remove());

async function startDaemon(options: Parameters<typeof TestDaemon.start>[0] = {}): Promise<TestDaemon> {
  const daemon = await TestDaemon.start(options);
  onTestFinished(() => daemon.remove());
  return daemon;
}

/** The whole life of a container. */
async function lives(daemon: TestDaemon, events: EventStream, id: string): Promise<void> {
  const { pid } = await daemon.create(id, bundle);
  const exec = await daemon.exec(id, ['sh', '-c', 'exit 3']);
  expect((await events.exit(id, exec.pid)).status).toBe(3);
  await daemon.signal(id, KILL);
  expect((await events.exit(id, pid)).status).toBe(128 + KILL);
}

async function nothingLeft(daemon: TestDaemon): Promise<void> {
  const shim = await shimPidOf(daemon.child.pid ?? 0);
  const left = async () => {
    const { zombies, processes, mounts, cgroups } = await census(
      ID,
      shim,
      daemon.child.pid ?? 0,
      daemon.stateDir,
    );
    const files = ['containers', 'runc', 'console'].flatMap((it) =>
      readdirSync(path.join(daemon.stateDir, it)),
    );
    return { zombies, processes, cgroups, files, mounts };
  };
  await expect
    .poll(left)
    .toEqual({ zombies: 0, processes: 0, cgroups: 0, files: [], mounts: expect.any(Number) });
}

/** How much of a processor a process has taken so far, in clock ticks (proc(5), utime and stime). */
function ticksOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return Number(user) + Number(system);
}

/** It waits for the trouble to end, and does not run in circles: it takes less than a third of a processor. */
async function isQuiet(pid: number): Promise<void> {
  const [ticks, since] = [ticksOf(pid), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(ticksOf(pid) - ticks).toBeLessThan((performance.now() - since) / 30);
}

describe('a state dir', () => {
  it('that is full refuses a start, tells an exit all the same, and has it in the journal afterwards', async () => {
    const disk = new SmallDisk(2 ** 20);
    onTestFinished(() => disk.remove());
    const daemon = await startDaemon({ folder: path.join(disk.path, 'daemon') });
    const events = await daemon.events({ types: ['exit'] });
    const before = await daemon.create(`${ID}-before`, bundle);
    // Nothing that gives room back is under way.
    const pidFile = path.join(daemon.stateDir, 'containers', `${ID}-before`, 'init.pid');
    await expect.poll(() => existsSync(pidFile)).toBe(false);
    disk.fill();
    const refused = await failureOf(daemon.create(ID, bundle));
    expect(refused).toEqual({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/^containerd: state dir: ENOSPC: no space left on device/),
    });
    await daemon.signal(`${ID}-before`, KILL);
    expect((await events.exit(`${ID}-before`, before.pid)).status).toBe(128 + KILL);
    await isQuiet(daemon.child.pid ?? 0);
    expect(await daemon.containers()).toEqual([]);

    disk.free();
    await lives(daemon, events, ID);
    await nothingLeft(daemon);
    const exits = async () =>
      (await journalOf(daemon)).filter((it) => it.type === 'exit' && it.pid === before.pid);
    await expect.poll(exits).toHaveLength(1);
  });

  it('that can only be read refuses a start, deletes what ends, and works again once it can be written to', async () => {
    const daemon = await startDaemon();
    const events = await daemon.events({ types: ['exit'] });
    const before = await daemon.create(`${ID}-before`, bundle);
    const folder = path.join(daemon.stateDir, 'containers');
    execFileSync('mount', ['--bind', folder, folder]);
    execFileSync('mount', ['-o', 'remount,bind,ro', folder]);
    try {
      expect(await failureOf(daemon.create(ID, bundle))).toEqual({
        code: 'UNAVAILABLE',
        message: expect.stringMatching(/^containerd: state dir: EROFS: read-only file system/),
      });
      await daemon.signal(`${ID}-before`, KILL);
      expect((await events.exit(`${ID}-before`, before.pid)).status).toBe(128 + KILL);
    } finally {
      execFileSync('umount', [folder]);
    }
    await lives(daemon, events, ID);
    // What could not be removed of it then does not keep its id from anybody.
    await lives(daemon, events, `${ID}-before`);
    await nothingLeft(daemon);
  });
});

describe('descriptors that are used up', () => {
  it.each(['daemon', 'shim'] as const)(
    'in the %s refuse a start, and work again once there are more',
    async (who) => {
      const daemon = await startDaemon();
      const events = await daemon.events({ types: ['exit'] });
      await lives(daemon, events, ID);
      const daemonPid = daemon.child.pid ?? 0;
      const pid = who === 'daemon' ? daemonPid : await shimPidOf(daemonPid);
      const held = await countDescriptors(pid);
      const limit = execFileSync('prlimit', [
        '--pid',
        String(pid),
        '--nofile',
        '-o',
        'SOFT',
        '--noheadings',
        '--raw',
      ]);
      execFileSync('prlimit', ['--pid', String(pid), '--nofile=3:']);
      // The daemon has to read one that it has not seen.
      const other = await bundles.make(`other-${who}`);
      for (let n = 0; n < 3; n++) {
        expect(await failureOf(daemon.create(ID, other))).toEqual({
          code: 'RESOURCE_EXHAUSTED',
          message: expect.stringMatching(/^containerd: the host has no more to give: .*too many open files/),
        });
      }
      await isQuiet(pid);
      execFileSync('prlimit', ['--pid', String(pid), `--nofile=${String(limit).trim()}:`]);
      await lives(daemon, events, ID);
      await nothingLeft(daemon);
      await expect.poll(() => countDescriptors(pid)).toBeLessThanOrEqual(held);
      await daemon.remove();
    },
  );
});

const PIDS = '/sys/fs/cgroup/pids';

describe.runIf(existsSync(path.join(PIDS, 'cgroup.procs')))('processes that are used up', () => {
  const cgroup = path.join(PIDS, `pids-${ID}`);
  const own = /^\d+:pids:(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  const write = (file: string, value: string | number) =>
    writeFileSync(path.join(cgroup, file), String(value));

  it.each([
    ['not even for runc', 0, /^containerd: the host has no more to give: posix_spawn /],
    ['for runc and none of its threads', 1, /^containerd: /],
    ['for a part of what runc starts', 6, /^containerd: /],
  ])('%s refuse a start, and work again once there are more', async (_, spare, words) => {
    const daemon = await startDaemon();
    const events = await daemon.events({ types: ['exit'] });
    await lives(daemon, events, ID);
    const shim = await shimPidOf(daemon.child.pid ?? 0);
    mkdirSync(cgroup);
    onTestFinished(() => {
      writeFileSync(path.join(PIDS, own, 'cgroup.procs'), String(shim));
      rmdirSync(cgroup);
    });
    write('cgroup.procs', shim);
    write('pids.max', Number(readFileSync(path.join(cgroup, 'pids.current'), 'utf8')) + spare);
    expect((await failureOf(daemon.create(ID, bundle))).message).toMatch(words);
    expect(await daemon.containers()).toEqual([]);
    write('pids.max', 'max');
    await lives(daemon, events, ID);
    await nothingLeft(daemon);
  });
});

describe('a bundle', () => {
  it('that vanishes between the look at it and the start is said to be gone', async () => {
    const vanishing = await bundles.make('vanishing');
    const runtime = await makeMisbehavingRuntime(bundles.folder, ID);
    await runtime.misbehave(['run'], `rm -r ${vanishing}; exec "$real" "$@"`);
    const daemon = await startDaemon({ flags: ['--runtime', runtime.file] });
    const events = await daemon.events({ types: ['exit'] });
    expect(await failureOf(daemon.create(ID, vanishing))).toEqual({
      code: 'INTERNAL',
      message: expect.stringMatching(/no such file or directory/),
    });
    expect(await failureOf(daemon.create(ID, vanishing))).toEqual({
      code: 'NOT_FOUND',
      message: 'containerd: bundle not found',
    });
    await runtime.behave();
    await lives(daemon, events, ID);
    await nothingLeft(daemon);
  });
});
