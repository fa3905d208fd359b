import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { processStat } from '../../src/linux/process-stat.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { checkpoint, flagged, listed } from './fixtures/checkpoint.ts';
import { type EventStream, failureOf, TestDaemon } from './fixtures/daemon.ts';
import { census, childrenOf, shimPidOf } from './fixtures/host.ts';
import { makeMisbehavingRuntime, type Runtime } from './fixtures/misbehaving-runtime.ts';

/** A runc that does to one container what it should not, and does as runc does to all others. */

const KILL = 9;
const VICTIM = `victim-${process.pid}`;
/** Of cgroup v1. */
const FREEZER = '/sys/fs/cgroup/freezer';
const OTHER = `other-${process.pid}`;

let bundles: Bundles;
let bundle: string;
let runtime: Runtime;
let daemon: TestDaemon;
let events: EventStream;
let shimPid: number;

beforeAll(async () => {
  bundles = await makeBundles();
  bundle = await bundles.make('plain');
  runtime = await makeMisbehavingRuntime(bundles.folder, VICTIM);
  const flags = ['--runtime', runtime.file, '--runtime-timeout', '2s', '--checkpoint-timeout', '5s'];
  daemon = await TestDaemon.start({ flags });
  events = await daemon.events({ types: ['start', 'exec', 'exit', 'pause', 'resume', 'checkpoint'] });
  shimPid = await shimPidOf(daemon.child.pid ?? 0);
});
afterAll(async () => {
  events?.close();
  await daemon?.remove();
  await bundles?.remove();
});
afterEach(async () => {
  await runtime.behave();
  // Of the victim nothing is left: it can be had again, and then goes as any container does.
  await ended(VICTIM);
  await nothingLeft();
  await whole(VICTIM);
  await nothingLeft();
});

/** Ends a container, where there is one. */
async function ended(id: string): Promise<void> {
  const container = await daemon.container(id);
  if (container === undefined) return;
  const pid = container.processes[0]?.pid;
  await daemon.signal(id, KILL);
  await events.exit(id, pid);
}

/** A life of a container: it starts, runs an exec, pauses, resumes and is killed. */
async function whole(id: string): Promise<void> {
  const { pid } = await daemon.create(id, bundle);
  const exec = await daemon.exec(id, ['sh', '-c', 'exit 3']);
  expect((await events.exit(id, exec.pid)).status).toBe(3);
  await daemon.update(id, { status: 'paused' });
  expect((await daemon.container(id))?.status).toBe('paused');
  await daemon.update(id, { status: 'running' });
  await daemon.signal(id, KILL);
  expect((await events.exit(id, pid)).status).toBe(128 + KILL);
}

/** Waits until neither process nor runc's state, cgroup, mount or file is left. */
async function nothingLeft(): Promise<void> {
  const left = async () => {
    const { zombies, processes, mounts, cgroups } = await census(
      VICTIM,
      shimPid,
      daemon.child.pid ?? 0,
      daemon.stateDir,
    );
    const inState = await Promise.all(['containers', 'runc', 'console'].map((it) => inFolder(it)));
    return { zombies, processes, mounts, cgroups, files: inState.flat() };
  };
  const nothing = { zombies: 0, processes: 0, mounts: 0, cgroups: 0, files: [] };
  await expect.poll(left).toEqual(nothing);
}
const inFolder = (name: string) => readdir(path.join(daemon.stateDir, name));

/** What is asked fails, while another container lives its whole life. */
async function failsAlone(asked: () => Promise<unknown>): Promise<{ code: string; message: string }> {
  const [failure] = await Promise.all([failureOf(asked()), whole(OTHER)]);
  return failure;
}

const TOO_LONG = { code: 'DEADLINE_EXCEEDED', message: /^containerd: runtime took too long: / };
const failed = (message: RegExp) => ({ code: 'INTERNAL', message });
const NO_PID = failed(/the runtime has left no pid/);

/** How it misbehaves, what it does then, and what the client of a start is told. */
const STARTS: [what: string, script: string, told: { code: string; message: RegExp }][] = [
  ['hangs', 'exec sleep 1000', TOO_LONG],
  ['hangs and ignores TERM', "trap '' TERM INT; while :; do sleep 1; done", TOO_LONG],
  ['hangs after it has done its work', '"$real" "$@"; exec sleep 1000', TOO_LONG],
  ['hangs with a child', 'sleep 1000 & wait', TOO_LONG],
  ['dies before it does anything', 'kill -9 $$', failed(/ended with status 137/)],
  ['dies and leaves a child', 'sleep 1000 & exit 1', failed(/ended with status 1/)],
  ['dies after it has written the pid', '"$real" "$@"; kill -9 $$', failed(/ended with status 137/)],
  ['dies before it writes the pid', '"$real" "$@"; rm "$pid_file"; exit 4', failed(/ended with status 4/)],
  ['says that it is done, and has done nothing', 'exit 0', NO_PID],
  ['says that it is done, without a pid', '"$real" "$@"; rm "$pid_file"', NO_PID],
  ['writes nonsense for a pid', '"$real" "$@"; echo nonsense >"$pid_file"', NO_PID],
  ['writes a folder for a pid', '"$real" "$@"; rm "$pid_file"; mkdir "$pid_file"', NO_PID],
  ['logs nonsense', 'head -c 100000 /dev/urandom >"$log"; exit 1', failed(/^containerd: /)],
  [
    'logs 100 MB',
    'yes nonsense | head -c 100000000 >"$log"; echo "no luck" >>"$log"; exit 1',
    failed(/no luck/),
  ],
];

describe('a start of which runc', () => {
  it.each(STARTS)('%s', async (_, script, { code, message }) => {
    await runtime.misbehave(['run'], script);
    const failure = await failsAlone(() => daemon.create(VICTIM, bundle));
    expect(failure).toEqual({ code, message: expect.stringMatching(message) });
    expect(await daemon.container(VICTIM)).toBeUndefined();
  });

  it.skipIf(!existsSync(FREEZER))('is killed, and does not end', async () => {
    // What is frozen in a freezer of cgroup v1 hears of no signal, as in an uninterruptible sleep.
    const cgroup = path.join(FREEZER, VICTIM);
    const held = path.join(cgroup, 'cgroup.procs');
    await mkdir(cgroup);
    try {
      await runtime.misbehave(['run'], `echo $$ >${held}; echo FROZEN >${cgroup}/freezer.state; exit 1`);
      const { code, message } = await failsAlone(() => daemon.create(VICTIM, bundle));
      expect([code, message]).toEqual([
        'DEADLINE_EXCEEDED',
        expect.stringMatching(/was killed after 2000 ms, and the kernel does not let it end$/),
      ]);
      expect(await readFile(held, 'utf8')).not.toBe('');
    } finally {
      await writeFile(path.join(cgroup, 'freezer.state'), 'THAWED');
      await expect.poll(() => readFile(held, 'utf8')).toBe('');
      await rmdir(cgroup);
    }
  });

  it('writes the pid of another container’s process', async () => {
    const { pid } = await daemon.create(OTHER, bundle);
    await runtime.misbehave(['run'], `"$real" "$@"; echo ${pid} >"$pid_file"`);
    expect(await failureOf(daemon.create(VICTIM, bundle))).toEqual({
      code: 'INTERNAL',
      message: `containerd: the runtime has left process ${pid}, which it did not start`,
    });
    await expect.poll(() => processStat(pid)?.state).toBe('S');
    await daemon.signal(OTHER, KILL);
    expect((await events.exit(OTHER, pid)).status).toBe(128 + KILL);
  });

  it('writes the pid of a process that is none of ours', async () => {
    await runtime.misbehave(['run'], `"$real" "$@"; echo ${process.pid} >"$pid_file"`);
    expect((await failureOf(daemon.create(VICTIM, bundle))).message).toMatch(/no child of the shim/);
  });

  it('hangs in a hook, before it has written down that there is a container', async () => {
    const config = JSON.parse(await readFile(path.join(bundle, 'config.json'), 'utf8'));
    config.hooks = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '1000'] }] };
    const hooked = await bundles.make('hooked', { config: JSON.stringify(config) });
    expect((await failsAlone(() => daemon.create(VICTIM, hooked))).code).toBe('DEADLINE_EXCEEDED');
  });
});

describe('a start with a terminal of which runc', () => {
  it.each([
    ['hangs in create', 'create', 'exec sleep 1000', TOO_LONG],
    ['fails after create', 'create', '"$real" "$@"; exit 1', failed(/ended with status 1/)],
    ['hangs in start', 'start', 'exec sleep 1000', TOO_LONG],
    ['fails in start', 'start', 'echo oh >&2; exit 1', failed(/oh$/)],
    ['hangs once it has started it', 'start', '"$real" "$@"; exec sleep 1000', TOO_LONG],
  ] as const)('%s', async (_, verb, script, { code, message }) => {
    const terminal = await bundles.make('terminal', { terminal: true });
    await runtime.misbehave([verb], script);
    const failure = await failsAlone(() => daemon.create(VICTIM, terminal));
    expect(failure).toEqual({ code, message: expect.stringMatching(message) });
  });
});

describe('an exec of which runc', () => {
  it.each(STARTS)('%s', async (_, script, { code, message }) => {
    const { pid } = await daemon.create(VICTIM, bundle);
    await runtime.misbehave(['exec'], script);
    const failure = await failsAlone(() => daemon.exec(VICTIM, ['sleep', '1000']));
    expect(failure).toEqual({ code, message: expect.stringMatching(message) });
    expect((await daemon.container(VICTIM))?.processes.map((it) => it.pid)).toEqual([pid]);
    // Nor is anything left that runc has started in it.
    await expect.poll(async () => (await childrenOf(shimPid)).map((it) => it.pid)).toEqual([pid]);
  });
});

describe('a pause of which runc', () => {
  it.each([
    ['hangs', 'exec sleep 1000', TOO_LONG],
    ['talks without end', 'exec yes', TOO_LONG],
    ['dies', 'kill -9 $$', failed(/ended with status 137/)],
    ['prints nonsense', 'head -c 5000 /dev/urandom >&2; exit 1', failed(/^containerd: /)],
    ['says that it is done, and has done nothing', 'exit 0', failed(/has not paused it$/)],
  ])('%s leaves it running', async (_, script, { code, message }) => {
    await daemon.create(VICTIM, bundle);
    await runtime.misbehave(['pause'], script);
    const failure = await failsAlone(() => daemon.update(VICTIM, { status: 'paused' }));
    expect(failure).toEqual({ code, message: expect.stringMatching(message) });
    expect((await daemon.container(VICTIM))?.status).toBe('running');
  });

  it.each([
    ['hangs', '"$real" "$@"; exec sleep 1000'],
    ['fails', '"$real" "$@"; exit 1'],
  ])('%s after it has done it has paused it', async (_, script) => {
    await daemon.create(VICTIM, bundle);
    await runtime.misbehave(['pause'], script);
    await daemon.update(VICTIM, { status: 'paused' });
    expect((await daemon.container(VICTIM))?.status).toBe('paused');
  });
});

describe('a paused container whose runc', () => {
  const ways: [string, string][] = [
    ['hangs', 'exec sleep 1000'],
    ['fails', 'exit 1'],
    ['says that it is done, and has done nothing', 'exit 0'],
  ];
  it.each(ways)('%s is resumed', async (_, script) => {
    await daemon.create(VICTIM, bundle);
    await daemon.update(VICTIM, { status: 'paused' });
    await runtime.misbehave(['resume'], script);
    await Promise.all([daemon.update(VICTIM, { status: 'running' }), whole(OTHER)]);
    const exec = await daemon.exec(VICTIM, ['sh', '-c', 'exit 5']);
    expect((await events.exit(VICTIM, exec.pid)).status).toBe(5);
  });

  it.each(ways)('%s can be killed', async (_, script) => {
    const { pid } = await daemon.create(VICTIM, bundle);
    await daemon.update(VICTIM, { status: 'paused' });
    await runtime.misbehave(['resume'], script);
    await daemon.signal(VICTIM, KILL);
    expect((await events.exit(VICTIM, pid)).status).toBe(128 + KILL);
  });
});

describe('an end of which runc', () => {
  it.each([
    ['hangs', 'exec sleep 1000'],
    ['dies', 'kill -9 $$'],
    ['says that it is done, and has done nothing', 'exit 0'],
    ['hangs once it is done', '"$real" "$@"; exec sleep 1000'],
  ])('%s in delete is told, and its id is free', async (_, script) => {
    const { pid } = await daemon.create(VICTIM, bundle);
    await runtime.misbehave(['delete'], script);
    await daemon.signal(VICTIM, KILL);
    const [exit] = await Promise.all([events.exit(VICTIM, pid), whole(OTHER)]);
    expect(exit.status).toBe(128 + KILL);
    expect(daemon.log.some((it) => it.msg === 'an ended container could not be deleted')).toBe(true);
  });

  it('of a start that failed hangs in delete too', async () => {
    await runtime.misbehave(['run', 'delete'], 'case $verb in run) "$real" "$@";; esac; exec sleep 1000');
    expect((await failsAlone(() => daemon.create(VICTIM, bundle))).code).toBe('DEADLINE_EXCEEDED');
  });
});

describe('a checkpoint of which runc', () => {
  it.each([
    ['hangs', 'exec sleep 1000', TOO_LONG],
    ['dies', 'kill -9 $$', failed(/ended with status 137/)],
    ['says that it is done, and has done nothing', 'exit 0', failed(/has written none$/)],
  ])('%s leaves it running, and none', async (_, script, { code, message }) => {
    const { pid } = await daemon.create(VICTIM, bundle);
    await runtime.misbehave(['checkpoint'], script);
    const failure = await failsAlone(() => checkpoint(daemon, VICTIM, 'one', { exit: true }));
    expect(failure).toEqual({ code, message: expect.stringMatching(message) });
    expect(await listed(daemon, VICTIM)).toEqual([]);
    expect((await daemon.container(VICTIM))?.processes.map((it) => it.pid)).toEqual([pid]);
  });
});

describe('a restore of which runc', () => {
  let restorable: string;
  beforeAll(async () => {
    restorable = await bundles.make('restorable');
    const id = `source-${process.pid}`;
    const { pid } = await daemon.create(id, restorable);
    await checkpoint(daemon, id, 'one', { exit: true });
    await events.exit(id, pid);
  });
  it.each([
    ['hangs', 'exec sleep 1000', TOO_LONG],
    ['hangs once it is done', '"$real" "$@"; exec sleep 1000', TOO_LONG],
    ['dies', 'kill -9 $$', failed(/ended with status 137/)],
    ['says that it is done, and has done nothing', 'exit 0', NO_PID],
  ])('%s leaves the checkpoint alone', async (_, script, { code, message }) => {
    await runtime.misbehave(['restore'], script);
    const failure = await failsAlone(() => daemon.create(VICTIM, restorable, { checkpoint: 'one' }));
    expect(failure).toEqual({ code, message: expect.stringMatching(message) });
    await runtime.behave();
    const { pid } = await daemon.create(VICTIM, restorable, { checkpoint: 'one' });
    expect(await listed(daemon, VICTIM)).toEqual([flagged('one', { exit: true })]);
    await daemon.signal(VICTIM, KILL);
    await events.exit(VICTIM, pid);
  });
});

describe('a runtime that', () => {
  it.each([
    ['is missing', async (file: string) => file, /no such file or directory/],
    [
      'is no program',
      async (file: string) => {
        await writeFile(file, 'not a program');
        return file;
      },
      /permission denied/,
    ],
  ])('%s is said to be, and the daemon starts containers once it is there', async (what, make, words) => {
    const file = await make(path.join(bundles.folder, `runtime ${what}`));
    const one = await TestDaemon.start({ flags: ['--runtime', file] });
    const failure = await failureOf(one.create(`${VICTIM}-2`, bundle));
    expect(failure).toEqual({ code: 'INTERNAL', message: expect.stringMatching(words) });
    await writeFile(file, '', { mode: 0o755 });
    await runtime.install(file);
    const seen = await one.events({ types: ['exit'] });
    const { pid } = await one.create(`${VICTIM}-2`, bundle);
    await one.signal(`${VICTIM}-2`, KILL);
    await seen.exit(`${VICTIM}-2`, pid);
    seen.close();
    await one.remove();
  });
});
