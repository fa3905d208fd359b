import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SmallDisk } from '../actors/small-disk.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { type LogLine, processState, TestDaemon } from './fixtures/daemon.ts';
import { census, shimPidOf } from './fixtures/host.ts';

/** Containers of one name share a cgroup, whichever daemon they are of. */
const BOX = `box-${process.pid}`;
const PROGRAM = fileURLToPath(new URL('../../bin/containerd', import.meta.url));

let bundles: Bundles;
let folder: string;
beforeAll(async () => {
  bundles = await makeBundles();
});
afterAll(() => bundles.remove());
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'ctd-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Ended = { code: number | string; stdout: string; stderr: string };

/** Runs a daemon that does not come to run. */
const run = (...flags: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(PROGRAM, flags, { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
const places = (state = 'state', socket = 'c.sock'): string[] => [
  '--state-dir',
  path.join(folder, state),
  '--listen',
  path.join(folder, socket),
];

/** What the daemon says in words, apart from its log. */
const words = ({ stderr }: Ended): string[] =>
  stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));

const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o7777;
const isGone = async (pid: number): Promise<boolean> =>
  ['Z', undefined].includes((await processState(pid))?.letter);

describe('a daemon that cannot run', () => {
  it.each([
    [['--concurrency', '0'], 'invalid value "0" for flag --concurrency: must be a positive integer'],
    [
      ['--metrics-interval', '5'],
      'invalid value "5" for flag --metrics-interval: time: missing unit in duration "5"',
    ],
    [['--nothing'], "unknown option '--nothing'"],
    [['run'], "unknown command 'run'"],
    [['--state-dir', `/${'x'.repeat(80)}`], 'must be no longer than'],
  ])('says what is wrong with %j', async (flags, text) => {
    const ended = await run(...flags);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^\[containerd\] .*\n$/);
    expect(ended.stderr).toContain(text);
  });

  it('says that another uses its state dir', async () => {
    const daemon = await TestDaemon.start({ folder });
    const ended = await run(...places('state', 'other.sock'));
    expect(ended.code).toBe(1);
    expect(words(ended)).toEqual([`[containerd] another daemon uses the state dir ${folder}/state`]);
    expect(await daemon.containers()).toEqual([]);
    await daemon.remove();
  });

  it('says that another listens on its socket, and leaves nothing running', async () => {
    const daemon = await TestDaemon.start({ folder });
    const ended = await run(...places('other'));
    expect(ended.code).toBe(1);
    expect(words(ended)).toEqual([`[containerd] somebody else listens on ${folder}/c.sock`]);
    await expect
      .poll(() => readdir(path.join(folder, 'other')), { timeout: 20_000 })
      .not.toContain('shim.sock');
    expect(await daemon.containers()).toEqual([]);
    await daemon.remove();
  });

  it.each([
    ['a file', (file: string) => writeFile(file, 'mine')],
    ['a link to nothing', (file: string) => symlink('/nowhere', file)],
  ])('leaves %s alone that is in the place of its socket', async (_, make) => {
    await make(path.join(folder, 'c.sock'));
    const ended = await run(...places());
    expect(ended.code).toBe(1);
    expect(words(ended)).toEqual([
      `[containerd] ${folder}/c.sock is there and is no socket; it is left alone`,
    ]);
  });

  it('says that its state dir is no folder', async () => {
    await writeFile(path.join(folder, 'state'), '');
    const ended = await run(...places());
    expect(ended.code).toBe(1);
    expect(words(ended)[0]).toMatch(/^\[containerd\] (EEXIST|ENOTDIR): .*\/state'$/);
  });
});

describe('a daemon', () => {
  it('prints its help and its version without running', async () => {
    expect(await run('--version')).toEqual({ code: 0, stdout: 'containerd version 0.0.4\n', stderr: '' });
    const help = await run('--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/^NAME:\n {3}containerd - High performance container daemon\n/);
  });

  it('keeps what it has to itself, but for its socket, which its group may use', async () => {
    const daemon = await TestDaemon.start({ folder });
    const { stateDir } = daemon;
    expect(await modeOf(daemon.socketPath)).toBe(0o660);
    expect(await modeOf(path.join(stateDir, 'shim.sock'))).toBe(0o600);
    expect(await modeOf(stateDir)).toBe(0o711);
    for (const name of ['runc', 'containers', 'console']) {
      expect(await modeOf(path.join(stateDir, name))).toBe(0o700);
    }
    for (const name of ['events.jsonl', 'lock', 'shim.log', 'shim.lock']) {
      expect(await modeOf(path.join(stateDir, name))).toBe(0o600);
    }
    await daemon.remove();
  });

  it('takes the place of one that was killed', async () => {
    const first = await TestDaemon.start({ folder });
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const second = await TestDaemon.start({ folder });
    expect(await second.containers()).toEqual([]);
    first.client.close();
    await second.remove();
  });

  it('takes the place of one that ended by a fault of its own, which is in the log', async () => {
    // A fault that is thrown where nobody expects any.
    const fault = 'process.on("SIGUSR2", () => { throw new Error("nobody saw it coming"); })';
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fault)}` };
    const first = await TestDaemon.start({ folder, env });
    const { pid } = await first.create(BOX, await bundles.make('fault'));
    first.child.kill('SIGUSR2');
    expect(await once(first.child, 'exit')).toEqual([1, null]);
    first.client.close();
    await expect
      .poll(() => first.log.at(-1))
      .toMatchObject({
        level: 60,
        msg: 'a fault: the containers go on, and the next daemon takes them up',
        err: { message: 'nobody saw it coming' },
      });
    expect(first.log.filter(({ level }) => level === 60)).toHaveLength(1);
    const second = await TestDaemon.start({ folder });
    expect((await second.container(BOX))?.processes[0]?.pid).toBe(pid);
    await second.signal(BOX, 9);
    await second.remove();
  });

  it('raises its own limit of descriptors, and not that which runc passes on', async () => {
    // runc is a program of Go, which raises its own limit in turn, and by its version that of the container too.
    const runtime = path.join(folder, 'runtime');
    const script = `#!/bin/sh\necho "$(ulimit -Sn) $(ulimit -Hn)" > ${folder}/limit\nexec runc "$@"\n`;
    await writeFile(runtime, script, { mode: 0o755 });
    const env = { CONTAINERD_NOFILE: '777:4096' };
    const daemon = await TestDaemon.start({ folder, env, flags: ['--runtime', runtime] });
    await daemon.create(BOX, await bundles.make('limits'));
    const text = await readFile(`/proc/${daemon.child.pid}/limits`, 'utf8');
    const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(text) ?? [];
    expect(soft).toBe(hard);
    expect(await readFile(path.join(folder, 'limit'), 'utf8')).toBe(`777 ${hard}\n`);
    await daemon.signal(BOX, 9);
    await daemon.remove();
  });

  it('logs lines of JSON to a pipe, and with --debug every transition', async () => {
    const daemon = await TestDaemon.start({ folder, flags: ['--debug'] });
    const events = await daemon.events();
    await daemon.create(BOX, await bundles.make('log'));
    await daemon.signal(BOX, 9);
    await events.exit(BOX);
    events.close();
    expect(await daemon.stop()).toBe(0);
    for (const line of daemon.log)
      expect(line).toMatchObject({ level: expect.any(Number), name: 'containerd' });
    const transitions = daemon.log.filter(({ msg, container }) => msg === 'transition' && container === BOX);
    const steps = (actor: string) => transitions.filter((it) => it.actor === actor).map(stepOf);
    expect(steps('')).toEqual([
      ' → created.queued by xstate.init',
      'created.queued → created.launching.starting by slot.granted',
      'created.launching.starting → running.steady by process.running',
      'running.steady → exited.deleting by process.exited',
      'exited.deleting → deleted by xstate.done.actor.0.container.exited.deleting',
    ]);
    expect(steps('init')).toEqual([
      ' → created.launching by xstate.init',
      'created.launching → running.alive by xstate.done.actor.launch',
      'running.alive → exited by shim.exited',
    ]);
    await daemon.remove();
  });

  it('does not log transitions without it', async () => {
    const daemon = await TestDaemon.start({ folder });
    expect(await daemon.stop()).toBe(0);
    expect(daemon.log.filter(({ level }) => level < 30)).toEqual([]);
    expect(daemon.log.map(({ msg }) => msg)).toContain('containerd has ended');
    await daemon.remove();
  });
});

const stepOf = ({ from, to, event }: LogLine): string => `${from} → ${to} by ${event}`;

describe('a daemon that is told to end', () => {
  it('kills after ten seconds what does not heed it, and leaves nothing but its journal and its log', async () => {
    const daemon = await TestDaemon.start({ folder });
    const daemonPid = daemon.child.pid ?? 0;
    const shimPid = await shimPidOf(daemonPid);
    const before = await census('stubborn-', shimPid, daemonPid, daemon.stateDir);
    const events = await daemon.events();
    const pids = await Promise.all(
      ['heeding', 'stubborn', 'paused'].map(async (name) => {
        // A process that is pid 1 of its namespace ignores what it has no handler for.
        const script =
          name === 'stubborn' ? 'trap "" TERM; sleep 1000' : 'trap "exit 3" TERM; sleep 1000 & wait';
        const id = `stubborn-${process.pid}-${name}`;
        return (await daemon.create(id, await bundles.make(name, { args: ['sh', '-c', script] }))).pid;
      }),
    );
    await daemon.call('updateContainer', { id: `stubborn-${process.pid}-paused`, status: 'paused' });
    const begun = performance.now();
    daemon.child.kill('SIGTERM');
    const statuses = await Promise.all(
      ['heeding', 'stubborn', 'paused'].map(
        async (name) => (await events.exit(`stubborn-${process.pid}-${name}`)).status,
      ),
    );
    const tookMs = performance.now() - begun;
    expect(await daemon.stop()).toBe(0);
    expect(statuses).toEqual([3, 137, 3]);
    expect(tookMs).toBeGreaterThan(9_900);
    expect(tookMs).toBeLessThan(25_000);

    for (const pid of pids) expect(await isGone(pid)).toBe(true);
    await expect.poll(() => isGone(shimPid), { timeout: 20_000 }).toBe(true);
    const after = await census('stubborn-', shimPid, daemonPid, daemon.stateDir).catch(() => undefined);
    expect(after).toBeUndefined();
    expect(before.cgroups).toBe(0);
    expect(await readdir(folder)).toEqual(['state']);
    const left = await readdir(daemon.stateDir, { recursive: true });
    expect(left.sort()).toEqual([
      'boot',
      'console',
      'containers',
      'events.jsonl',
      'lock',
      'runc',
      'shim.lock',
      'shim.log',
      'starts.json',
    ]);
    await daemon.remove();
  });

  it('takes no more requests than signals', async () => {
    const daemon = await TestDaemon.start({ folder });
    const bundle = await bundles.make('stopping', { args: ['sh', '-c', 'trap "" TERM; sleep 1000'] });
    await daemon.create(BOX, bundle);
    daemon.child.kill('SIGTERM');
    await expect
      .poll(() => daemon.create(`${BOX}-b`, bundle).catch((error) => error.details))
      .toBe('containerd: supervisor is shutdown');
    await daemon.signal(BOX, 9);
    expect(await daemon.stop()).toBe(0);
    await daemon.remove();
  });

  it('ends though its journal’s disk is full, and its exits are the next one’s to tell', async () => {
    const disk = new SmallDisk(64 * 1024);
    try {
      // The journal alone is there, or the room that a container leaves would be the journal's.
      await mkdir(path.join(folder, 'state'));
      await symlink(path.join(disk.path, 'events.jsonl'), path.join(folder, 'state/events.jsonl'));
      const first = await TestDaemon.start({ folder });
      const shimPid = await shimPidOf(first.child.pid ?? 0);
      const { pid } = await first.create(BOX, await bundles.make('full'));
      disk.fill();
      const saysSo = () => first.log.some(({ msg }) => msg === 'the journal cannot be written');
      // What is left of the last page of the journal has room for some more.
      for (let n = 0; !saysSo(); n += 1) {
        await first.call('updateContainer', { id: BOX, status: n % 2 === 0 ? 'paused' : 'running' });
      }
      first.child.kill('SIGTERM');
      await first.signal(BOX, 9);
      expect(await first.stop()).toBe(0);
      expect(await isGone(shimPid)).toBe(false);

      disk.free();
      const second = await TestDaemon.start({ folder });
      const events = await second.events({ since: 1n });
      expect(await events.exit(BOX, pid)).toMatchObject({ status: 137 });
      events.close();
      expect(await second.stop()).toBe(0);
      await expect.poll(() => isGone(shimPid), { timeout: 20_000 }).toBe(true);
    } finally {
      disk.remove();
    }
  });
});

it.each([
  ['ends of a hang-up', '', 'SIGHUP' as const],
  ['goes on where whoever started it has that ignored, as nohup does', 'trap "" HUP; ', 'SIGTERM' as const],
])('a daemon %s', async (_, before, signal) => {
  const script = `${before}exec "$@"`;
  const daemon = spawn('sh', ['-c', script, 'sh', PROGRAM, ...places()], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(daemon, 'exit');
  let log = '';
  daemon.stderr.on('data', (text: Buffer) => {
    log += text.toString();
  });
  await expect.poll(() => log, { timeout: 30_000 }).toContain('containerd is ready');
  daemon.kill('SIGHUP');
  if (signal !== 'SIGHUP') {
    daemon.kill(signal);
    await expect.poll(() => log, { timeout: 30_000 }).toContain('told to end');
  }
  expect(await ended).toEqual(signal === 'SIGHUP' ? [null, 'SIGHUP'] : [0, null]);
});
