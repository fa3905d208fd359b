import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Daemon } from '../../src/ctr/daemon.ts';
import { EventsRequest } from '../../src/generated/api.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { CTR, ctr, RunningCtr } from './fixtures/ctr.ts';
import { type EventStream, TestDaemon } from './fixtures/daemon.ts';
import { Window } from './fixtures/terminal.ts';

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
const done = { status: 0, stdout: '', stderr: '' };

describe('a container’s life by ctr', () => {
  it('is started, listed, killed, told of and gone', async () => {
    const id = unique('life');
    const bundle = await bundles.make('life');
    // Init of a pid namespace ignores what it has no handler for: KILL alone ends it.
    const follower = new RunningCtr(daemon, ['events']);
    await follower.shows(/^TYPE +ID +PID +STATUS\n$/);

    expect(await ctr(daemon, ['containers', 'start', id, 'life'], { cwd: path.dirname(bundle) })).toEqual(
      done,
    );
    const [container] = await daemon.containers();
    const pid = container?.processes[0]?.pid;
    const columns = (cells: (string | number | undefined)[], padding: number[]) =>
      cells.map((cell, n) => String(cell).padEnd(padding[n] ?? 0)).join('');
    const widths = [Math.max(20, id.length + 3), Math.max(20, bundle.length + 3), 20];
    expect((await ctr(daemon, ['containers'])).stdout).toBe(
      `${columns(['ID', 'PATH', 'STATUS', 'PID1'], widths)}\n${columns([id, bundle, 'running', pid], widths)}\n`,
    );
    const json = (await ctr(daemon, ['containers', 'list', '--json'])).stdout;
    expect(JSON.parse(json)).toMatchObject({
      id,
      bundlePath: bundle,
      status: 'running',
      processes: [{ pid }],
    });

    expect(await ctr(daemon, ['containers', 'kill', '--signal', 'KILL', id])).toEqual(done);
    await events.exit(id, pid);
    await follower.shows(new RegExp(`^exit +${id} +${pid} +137$`, 'm'));
    follower.kill('SIGINT');
    expect(await follower.ended()).toBe('SIGINT');
    expect((await ctr(daemon, ['containers', '--json'])).stdout).toBe('');
  });

  it('is told with who asked for it, and as whom', async () => {
    const id = unique('asked');
    const starter = new RunningCtr(daemon, ['containers', 'start', id, await bundles.make('asked')]);
    const { pid } = starter.child;
    expect(await starter.ended()).toBe(0);
    await daemon.signal(id, 9);
    await events.exit(id);
    const { stdout } = await ctr(daemon, ['history', id]);
    expect(stdout).toMatch(new RegExp(`client r\\d+: CreateContainer by ctr \\(pid ${pid}, uid 0\\)`));
    expect(stdout).toMatch(new RegExp(`client r\\d+: Signal by .+ \\(pid ${process.pid}, uid 0\\)`));
    const steps = (await ctr(daemon, ['history', id, '--json'])).stdout.trim().split('\n');
    expect(JSON.parse(steps[0] ?? '')).toMatchObject({
      client: { method: 'CreateContainer', peer: { pid, uid: 0, program: 'ctr' } },
    });
  });

  it('can be read of later', async () => {
    const id = unique('past');
    await ctr(daemon, [
      'containers',
      'start',
      id,
      await bundles.make('past', { args: ['sh', '-c', 'exit 7'] }),
    ]);
    const { pid } = await events.exit(id);
    const follower = new RunningCtr(daemon, [
      'events',
      '--since',
      '1h',
      '--id',
      id,
      '--type',
      'exit',
      '--json',
    ]);
    const [line] = await follower.shows(/^.*\n/);
    follower.kill('SIGTERM');
    await follower.ended();
    expect(JSON.parse(line)).toEqual({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/),
      sequence: expect.any(Number),
      type: 'exit',
      id,
      pid,
      status: 7,
    });
  });

  it('obeys the signal that is asked for', async () => {
    const id = unique('trap');
    const args = ['sh', '-c', 'trap "exit 3" USR1; echo ready; while :; do sleep 0.05; done'];
    const stdout = path.join(bundles.folder, 'heard');
    await writeFile(stdout, '');
    const { pid } = await daemon.create(id, await bundles.make('trap', { args }), { stdout });
    // Until the trap is set, init ignores it.
    await expect.poll(() => readFile(stdout, 'utf8')).toBe('ready\n');
    expect(await ctr(daemon, ['containers', 'kill', '-p', `${pid}`, '-s', 'USR1', id])).toEqual(done);
    expect((await events.exit(id, pid)).status).toBe(3);
  });
});

describe('what a container uses', () => {
  const id = unique('stats');
  beforeAll(async () => {
    await daemon.create(id, await bundles.make('stats'));
  });

  it('is printed a row a second on a terminal', async () => {
    const window = new Window(CTR, ['containers', 'stats', id], {
      env: { CONTAINERD_ADDRESS: daemon.socketPath },
    });
    await window.shows(
      /^CPU +MEMORY \/ MAX +NET IN \/ OUT +DISK READ \/ WRITE\r\n- +\S+B \/ \S+B .*\r\n\d+\.\d% /,
    );
    window.child.kill('SIGINT');
    expect(await window.ended()).toBe('SIGINT');
    window.close();
  });

  it('is printed an object a line on a pipe, until it ends', async () => {
    const running = new RunningCtr(daemon, ['containers', 'stats', id]);
    const [line] = await running.shows(/^.*\n/);
    expect(JSON.parse(line)).toMatchObject({
      cgroup_stats: { memory_stats: { usage: { usage: expect.any(Number) } } },
      timestamp: expect.any(Number),
    });
    await daemon.signal(id, 9);
    expect(await running.ended()).toBe(0);
    expect(running.stderr).toBe('');
  });

  it('is nothing where it is not there', async () => {
    expect(await ctr(daemon, ['containers', 'stats', 'nobody'])).toEqual({
      status: 1,
      stdout: '',
      stderr: '[ctr] containerd: container not found\n',
    });
  });
});

describe('what cannot be done', () => {
  const refused = (words: string) => ({ status: 1, stdout: '', stderr: `[ctr] ${words}\n` });

  it('is told in the daemon’s words', async () => {
    expect(await ctr(daemon, ['containers', 'kill', 'nobody'])).toEqual(
      refused('containerd: container not found'),
    );
    expect(await ctr(daemon, ['containers', 'start', unique('none'), '/none'])).toEqual(
      refused('containerd: bundle not found'),
    );
    expect(await ctr(daemon, ['containers', 'start', '..', '/none'])).toEqual(
      refused('containerd: container id ".." is not valid'),
    );
    expect(await ctr(daemon, ['checkpoints', 'nobody'])).toEqual(refused('no such containers'));
  });

  it('is told with the address where there is no daemon', async () => {
    const address = path.join(daemon.folder, 'none.sock');
    expect(await ctr(daemon, ['--address', address, 'containers'])).toEqual(
      refused(
        `cannot reach containerd at ${address}: there is no such socket: start containerd, or say where it listens by --address or CONTAINERD_ADDRESS`,
      ),
    );
  });

  it('is told of a daemon that has been stopped, whether it was connected to before or not', async () => {
    const silent = / does not answer: it has been stopped, has too much to do/;
    const asking = () => connect(daemon.socketPath, () => {}, { silenceMs: 200 });
    const ask = ({ ask, client }: Daemon) =>
      ask(client.signal, { id: 'nobody', pid: 0, signal: 9 }, { patient: true });
    const [before, after] = [asking(), asking()];
    await expect(ask(before)).rejects.toThrow('container not found');
    daemon.child.kill('SIGSTOP');
    try {
      await expect(ask(before)).rejects.toThrow(silent);
      await expect(ask(after)).rejects.toThrow(silent);
      await expect(after.events(EventsRequest.fromPartial({}))).rejects.toThrow(silent);
    } finally {
      daemon.child.kill('SIGCONT');
    }
    await expect(ask(before)).rejects.toThrow('container not found');
    // It is back: what is given up then is given up by us.
    const aborter = new AbortController();
    const asked = before.ask(before.client.state, { id: '' }, { signal: aborter.signal });
    aborter.abort();
    await expect(asked).rejects.toThrow('Cancelled on client');
    for (const it of [before, after]) it.close();
  });

  it('is told where no bundle is named, rather than taken for the folder that we are in', async () => {
    const bundle = await bundles.make('here');
    expect(await ctr(daemon, ['containers', 'start', unique('here'), ''], { cwd: bundle })).toEqual(
      refused('empty bundle path'),
    );
  });

  it('is told of every request with --debug', async () => {
    const { stderr } = await ctr(daemon, ['--debug', 'containers', 'kill', 'nobody']);
    expect(stderr).toMatch(/^\[ctr\] .*NOT_FOUND: containerd: container not found$/m);
  });
});
