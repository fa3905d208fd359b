import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { within } from '../linux/deadline.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { CTR, ctr, RunningCtr } from './fixtures/ctr.ts';
import { type EventStream, processState, TestDaemon } from './fixtures/daemon.ts';
import { childrenOf, countDescriptors, shimPidOf } from './fixtures/host.ts';

const KILL = 9;
const PATIENCE_MS = 30_000;
const BOX = `box-${process.pid}`;

let bundles: Bundles;
let daemon: TestDaemon;
let events: EventStream;
/** Of `ctr` alone: what it leaves there is left. */
let env: { TMPDIR: string };

beforeAll(async () => {
  bundles = await makeBundles();
  env = { TMPDIR: bundles.folder };
  daemon = await TestDaemon.start();
  events = await daemon.events();
  await daemon.create(BOX, await bundles.make(BOX));
});
afterAll(async () => {
  await daemon?.remove();
  await bundles?.remove();
});

const unique = (name: string) => `${name}-${process.pid}`;
const exec = (script: string, input?: string) =>
  ctr(daemon, ['containers', 'exec', '--id', BOX, '--attach', 'sh', '-c', script], {
    env,
    ...(input !== undefined && { input }),
  });
/** Whether a process has yet to take a signal (proc(5)). */
async function isPending(pid: number | undefined, signal: number): Promise<boolean> {
  const [, mask = '0'] = /^ShdPnd:\t(\w+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (BigInt(`0x${mask}`) & (1n << BigInt(signal - 1))) !== 0n;
}
const leftovers = async () => (await readdir(bundles.folder)).filter((name) => name.startsWith('ctr-'));

describe('an attached container', () => {
  const script = 'echo out; echo err >&2; cat; exit 7';

  it('has the three streams of ctr, which ends as it ends', async () => {
    const bundle = await bundles.make('streams', { args: ['sh', '-c', script] });
    const started = await ctr(daemon, ['containers', 'start', '--attach', unique('streams'), bundle], {
      env,
      input: 'in\n',
    });
    expect(started).toEqual({ status: 7, stdout: 'out\nin\n', stderr: 'err\n' });
    expect(await leftovers()).toEqual([]);
  });

  it('may print more than a pipe holds and end before its start has been answered', async () => {
    const args = ['sh', '-c', 'head -c 200000 /dev/zero; exit 3'];
    const bundle = await bundles.make('flood', { args });
    const { status, stdout } = await ctr(daemon, ['containers', 'start', '-a', unique('flood'), bundle], {
      env,
    });
    expect({ status, bytes: stdout.length }).toEqual({ status: 3, bytes: 200_000 });
  });

  it('that cannot be started leaves nothing, and its words', async () => {
    const bundle = await bundles.make('missing', { args: ['nope'] });
    expect(await ctr(daemon, ['containers', 'start', '-a', unique('missing'), bundle], { env })).toEqual({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^\[ctr\] containerd: .*"nope": executable file not found in \$PATH\n$/),
    });
    expect(await leftovers()).toEqual([]);
  });
});

describe('an attached process', () => {
  it('has the three streams of ctr, which ends as it ends', async () => {
    expect(await exec('echo out; echo err >&2; cat; exit 8', 'in\n')).toEqual({
      status: 8,
      stdout: 'out\nin\n',
      stderr: 'err\n',
    });
    expect(await leftovers()).toEqual([]);
  });

  it('is not started where there can be no pipes for it, and that is said in one line', async () => {
    const args = ['containers', 'exec', '--id', BOX, '-a', 'sh', '-c', 'echo >/tmp/started'];
    expect(await ctr(daemon, args, { env: { TMPDIR: '/nonexistent' } })).toEqual({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^\[ctr\] ENOENT: no such file or directory, mkdtemp '.*'\n$/),
    });
    expect(await exec('test -e /tmp/started')).toMatchObject({ status: 1 });
  });

  it('is what was asked for', async () => {
    const flags = ['--cwd', '/tmp', '--env', 'A=1', '-e', 'B=2', '--uid', '7', '--gid', '8'];
    const script = 'pwd; echo $A$B; id -u; id -g';
    const args = ['containers', 'exec', '--id', BOX, '-a', ...flags, 'sh', '-c', script];
    expect((await ctr(daemon, args)).stdout).toBe('/tmp\n12\n7\n8\n');
  });

  it('hears the end of a stdin that is empty', async () => {
    expect(await exec('cat; echo "ended"')).toMatchObject({ status: 0, stdout: 'ended\n' });
  });

  it.each([
    ['pipe', ['--attach'], 'hi\n'],
    ['terminal', ['--attach', '--tty'], 'hi\r\nhi\r\n'],
  ])('hears, by a %s, the end of a named FIFO whose writer had gone before', async (name, flags, shown) => {
    const fifo = path.join(bundles.folder, unique(`fifo-to-${name}`));
    await execa('mkfifo', [fifo]);
    const writer = await open(fifo, 'r+');
    const reader = await open(fifo, 'r');
    await writer.write('hi\n');
    await writer.close();
    const child = spawn(CTR, ['containers', 'exec', '--id', BOX, ...flags, 'cat'], {
      env: { ...process.env, ...env, CONTAINERD_ADDRESS: daemon.socketPath },
      stdio: [reader.fd, 'pipe', 'inherit'],
    });
    await reader.close();
    try {
      const printed = await within(PATIENCE_MS, 'the end of ctr', buffer(child.stdout as Readable));
      expect(printed.toString()).toBe(shown);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('gets 10 MB and gives them back, bit for bit', async () => {
    const bytes = randomBytes(10 * 2 ** 20);
    const child = spawn(CTR, ['containers', 'exec', '--id', BOX, '-a', 'cat'], {
      env: { ...process.env, CONTAINERD_ADDRESS: daemon.socketPath },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    child.stdin.end(bytes);
    expect((await buffer(child.stdout)).equals(bytes)).toBe(true);
    expect(await ended).toEqual([0, null]);
  });

  it('reads a file, and adds to one', async () => {
    const [source, target] = ['source', 'target'].map((name) => path.join(bundles.folder, name)) as [
      string,
      string,
    ];
    const bytes = randomBytes(2 ** 20);
    await writeFile(source, bytes);
    await writeFile(target, 'before');
    const [input, output] = [await open(source, 'r'), await open(target, 'a')];
    const child = spawn(CTR, ['containers', 'exec', '--id', BOX, '-a', 'cat'], {
      env: { ...process.env, CONTAINERD_ADDRESS: daemon.socketPath },
      stdio: [input.fd, output.fd, 'inherit'],
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    await Promise.all([input.close(), output.close()]);
    expect((await readFile(target)).equals(Buffer.concat([Buffer.from('before'), bytes]))).toBe(true);
  });

  it('leaves its shell’s pipes as they were, for those who share them', async () => {
    const args = `containers exec --id ${BOX} -a cat`;
    // What runs beside ctr on the same pipe finds it blocking: 1 MB through a slow reader, none of it lost.
    const script = `(${CTR} ${args} </dev/null; head -c 1000000 /dev/zero) | (sleep 1; wc -c)`;
    const child = spawn('bash', ['-c', script], {
      env: { ...process.env, CONTAINERD_ADDRESS: daemon.socketPath },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(Number((await buffer(child.stdout)).toString())).toBe(1_000_000);
  });

  it('that leaves another behind, with its streams, does not hold ctr', async () => {
    const { status, stdout } = await exec('sleep 1000 & echo "left $!"; exit 2');
    expect({ status, stdout }).toEqual({ status: 2, stdout: expect.stringMatching(/^left \d+\n$/) });
    await exec(`kill ${stdout.slice('left '.length)}`);
  });

  it('that leaves another behind, which prints without end, does not hold ctr', async () => {
    const { status, stdout } = await exec('echo begin; yes & exit 2');
    expect(status).toBe(2);
    expect(stdout.startsWith('begin\n')).toBe(true);
    await exec('kill $(ps | grep " yes$" | head -n 1 | { read pid rest; echo $pid; })');
  });

  it.each<[NodeJS.Signals, string]>([
    ['SIGINT', 'INT'],
    ['SIGTERM', 'TERM'],
    ['SIGQUIT', 'QUIT'],
  ])('gets the %s that ctr gets', async (signal, name) => {
    const script = `trap "echo got ${name}; exit 9" ${name}; echo ready; while :; do sleep 0.05; done`;
    const running = new RunningCtr(
      daemon,
      ['containers', 'exec', '--id', BOX, '-a', 'sh', '-c', script],
      env,
    );
    await running.shows(/ready/);
    running.kill(signal);
    expect(await running.ended()).toBe(9);
    expect(running.stdout).toBe(`ready\ngot ${name}\n`);
  });
});

describe('ctr goes, and its process stays', () => {
  async function startBox(name: string): Promise<{ id: string; running: RunningCtr; pid: number }> {
    const id = unique(name);
    const bundle = await bundles.make(name, { args: ['sh', '-c', 'echo ready; exec sleep 1000'] });
    const running = new RunningCtr(daemon, ['containers', 'start', '-a', id, bundle], env);
    await running.shows(/ready/);
    const pid = (await daemon.container(id))?.processes[0]?.pid ?? 0;
    return { id, running, pid };
  }
  async function goesOn(id: string, pid: number): Promise<void> {
    expect((await daemon.container(id))?.status).toBe('running');
    expect((await processState(pid))?.letter).toMatch(/[SR]/);
    await daemon.signal(id, KILL);
    await events.exit(id);
    expect(await leftovers()).toEqual([]);
  }

  it('when it is killed', async () => {
    const { id, running, pid } = await startBox('killed');
    running.kill('SIGKILL');
    expect(await running.ended()).toBe('SIGKILL');
    await goesOn(id, pid);
  });

  it('when it is interrupted three times, and init ignores it', async () => {
    const { id, running, pid } = await startBox('stubborn');
    running.kill('SIGTERM');
    for (let n = 0; n < 3; n++) {
      // One that comes while another of its kind is pending is lost (signal(7)).
      await expect.poll(() => isPending(running.child.pid, constants.signals.SIGINT)).toBe(false);
      running.kill('SIGINT');
    }
    expect(await running.ended()).toBe(130);
    expect(running.stderr).toBe(`[ctr] ${id} goes on without us\n`);
    await goesOn(id, pid);
  });

  it('when its terminal hangs up', async () => {
    const { id, running, pid } = await startBox('hangup');
    running.kill('SIGHUP');
    expect(await running.ended()).toBe(129);
    await goesOn(id, pid);
  });

  it('when its reader has gone', async () => {
    const script = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done';
    const pipeline = `${CTR} containers exec --id ${BOX} -a sh -c '${script}' | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const child = spawn('bash', ['-c', pipeline], {
      env: { ...process.env, ...env, CONTAINERD_ADDRESS: daemon.socketPath },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect((await buffer(child.stdout)).toString()).toBe('1\n141\n');
    const processes = (await daemon.container(BOX))?.processes ?? [];
    const left = processes.find(({ args }) => args[2] === script);
    expect((await processState(left?.pid ?? 0))?.letter).toMatch(/[SR]/);
    await daemon.signal(BOX, KILL, left?.pid ?? 0);
    await events.exit(BOX, left?.pid);
  });
});

it('ctr says that what is being started may be started all the same where it goes before', async () => {
  const folder = path.join(bundles.folder, 'slow-runtime');
  const [file, asked, go] = [
    path.join(folder, 'runtime'),
    path.join(folder, 'asked'),
    path.join(folder, 'go'),
  ];
  await mkdir(folder);
  await execa('mkfifo', [asked, go]);
  const script = `#!/bin/sh
case " $* " in *" run "*) echo >${asked}; read _ <${go} ;; esac
exec runc "$@"
`;
  await writeFile(file, script, { mode: 0o755 });
  const own = await TestDaemon.start({ flags: ['--runtime', file] });
  try {
    const id = unique('underway');
    const bundle = await bundles.make('underway', { args: ['sleep', '1000'] });
    const running = new RunningCtr(own, ['containers', 'start', '-a', id, bundle], env);
    await readFile(asked);
    running.kill('SIGINT');
    expect(await running.ended()).toBe(130);
    expect(running.stderr).toBe(`[ctr] ${id} may be started all the same: see "ctr containers"\n`);
    await writeFile(go, '\n');
    await expect.poll(async () => (await own.container(id))?.status).toBe('running');
    expect(await leftovers()).toEqual([]);
    await own.signal(id, KILL);
  } finally {
    await own.remove();
  }
});

describe('fifty rounds', () => {
  it('leave no FIFO, descriptor or process', async () => {
    const daemonPid = daemon.child.pid ?? 0;
    const shim = await shimPidOf(daemonPid);
    await exec('true');
    const count = async () => [
      await countDescriptors(shim),
      (await childrenOf(shim)).length,
      (await daemon.container(BOX))?.processes.length ?? 0,
    ];
    const before = await count();
    for (let round = 0; round < 50; round += 5) {
      const results = await Promise.all([0, 1, 2, 3, 4].map((n) => exec(`cat; exit ${n}`, `${round}`)));
      expect(results).toEqual([0, 1, 2, 3, 4].map((status) => ({ status, stdout: `${round}`, stderr: '' })));
    }
    // Not more than before; what other tests have left to be closed in its time may be less by now.
    const more = async () => (await count()).filter((number, n) => number > (before[n] ?? 0));
    await expect.poll(more, { timeout: 15_000 }).toEqual([]);
    expect(await leftovers()).toEqual([]);
  }, 400_000);
});

describe('a daemon that goes', () => {
  const script = 'echo ready; read line; echo "read $line"; exit 5';
  let own: TestDaemon;
  let running: RunningCtr;
  let id: string;

  async function attachTo(name: string): Promise<void> {
    id = unique(name);
    own = await TestDaemon.start();
    const bundle = await bundles.make(name, { args: ['sh', '-c', script] });
    running = new RunningCtr(own, ['containers', 'start', '-a', id, bundle], env);
    await running.shows(/ready/);
    own.child.kill('SIGKILL');
    await once(own.child, 'exit');
  }

  it('and comes back is told of to nobody: ctr ends as the process ends', async () => {
    await attachTo('restart');
    const again = await TestDaemon.start({ folder: own.folder });
    running.child.stdin?.end('hello\n');
    expect(await running.ended()).toBe(5);
    expect({ stdout: running.stdout, stderr: running.stderr }).toEqual({
      stdout: 'ready\nread hello\n',
      stderr: '',
    });
    await again.remove();
  });

  it('and has missed the exit meanwhile makes up for it', async () => {
    await attachTo('missed');
    running.child.stdin?.end('hello\n');
    await running.shows(/read hello/);
    const again = await TestDaemon.start({ folder: own.folder });
    expect(await running.ended()).toBe(5);
    await again.remove();
  });

  it('for good is said once the process has ended', async () => {
    await attachTo('forgood');
    running.child.stdin?.end('hello\n');
    expect(await running.ended()).toBe(1);
    expect(running.stdout).toBe('ready\nread hello\n');
    expect(running.stderr).toMatch(
      new RegExp(`^\\[ctr\\] cannot tell how ${id} ended: cannot reach containerd at ${own.socketPath}: `),
    );
    // So that the shim, too, comes to its end.
    await (await TestDaemon.start({ folder: own.folder })).remove();
  });
});
