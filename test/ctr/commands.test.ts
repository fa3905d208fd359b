import { constants } from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliError } from '../../src/cli/error.ts';
import { Refusal } from '../../src/ctr/daemon.ts';
import { Container, Event, StateResponse, Stats } from '../../src/generated/api.ts';
import { ctr, type FakeDaemon, startFakeDaemon } from './fake-daemon.ts';

const { SIGINT, SIGKILL } = constants.signals;

let daemon: FakeDaemon;

beforeEach(async () => {
  daemon = await startFakeDaemon();
});
afterEach(() => daemon.close());

const run = (...argv: string[]) => ctr(daemon, argv);

const REDIS = Container.fromPartial({
  id: 'redis',
  bundlePath: '/containers/redis',
  status: 'running',
  processes: [
    { pid: 14063, args: ['redis-server'] },
    { pid: 14064, args: ['sh'] },
  ],
});

describe('containers', () => {
  it.each([[['containers']], [['containers', 'list']]])('%j prints a table', async (argv) => {
    daemon.answers.state = { containers: [REDIS], machine: undefined };
    expect(await run(...argv)).toEqual({
      status: 0,
      stdout:
        'ID                  PATH                STATUS              PID1\n' +
        'redis               /containers/redis   running             14063\n',
      warnings: [],
    });
  });

  it('prints the head of the table where there are none', async () => {
    expect((await run('containers')).stdout).toBe(
      'ID                  PATH                STATUS              PID1\n',
    );
  });

  it('prints them however many there are', async () => {
    const containers = new Array(40_000).fill({ ...REDIS, bundlePath: `/${'redis'.repeat(20)}` });
    daemon.answers.state = { containers, machine: undefined };
    expect(StateResponse.encode(StateResponse.fromPartial({ containers })).finish().length).toBeGreaterThan(
      4 * 2 ** 20,
    );
    const { status, stdout } = await run('containers');
    expect({ status, lines: stdout.split('\n').length }).toEqual({ status: 0, lines: 40_002 });
  });

  it.each([[['containers', '--json']], [['containers', 'list', '--json']]])(
    '%j prints an object a line',
    async (argv) => {
      daemon.answers.state = { containers: [REDIS, REDIS], machine: undefined };
      const lines = (await run(...argv)).stdout.trimEnd().split('\n');
      expect(lines).toHaveLength(2);
      for (const line of lines) expect(JSON.parse(line)).toEqual({ ...REDIS, processes: expect.any(Array) });
    },
  );

  it('start makes the path of the bundle absolute', async () => {
    expect(await run('containers', 'start', 'redis', 'bundles/../redis')).toEqual({
      status: 0,
      stdout: '',
      warnings: [],
    });
    const none = { stdin: '', stdout: '', stderr: '', console: '' };
    expect(daemon.asked).toEqual([
      {
        method: 'createContainer',
        request: { id: 'redis', bundlePath: path.resolve('redis'), checkpoint: '', ...none },
      },
    ]);
  });

  it.each([['--checkpoint'], ['-c']])('start asks for the checkpoint that %s names', async (flag) => {
    await run('containers', 'start', flag, 'evening', 'redis', '/redis');
    expect(daemon.asked).toMatchObject([{ request: { checkpoint: 'evening' } }]);
  });

  it.each<[string[], object]>([
    [['redis'], { id: 'redis', pid: 0, signal: 15 }],
    [['-s', '9', 'redis'], { id: 'redis', pid: 0, signal: SIGKILL }],
    [['--signal', 'KILL', 'redis'], { id: 'redis', pid: 0, signal: SIGKILL }],
    [['--signal=sigint', 'redis'], { id: 'redis', pid: 0, signal: SIGINT }],
    [['--pid', '77', '-s', '0', 'redis'], { id: 'redis', pid: 77, signal: 0 }],
    [['-p', '77', 'redis'], { id: 'redis', pid: 77, signal: 15 }],
    [['--', '-redis'], { id: '-redis', pid: 0, signal: 15 }],
  ])('kill %j asks for a signal', async (argv, request) => {
    expect(await run('containers', 'kill', ...argv)).toEqual({ status: 0, stdout: '', warnings: [] });
    expect(daemon.asked).toEqual([{ method: 'signal', request }]);
  });
});

describe('containers exec', () => {
  const plain = {
    id: 'redis',
    args: ['sh'],
    env: [],
    cwd: '',
    terminal: false,
    user: { uid: 0, gid: 0, additionalGids: [] },
    stdin: '',
    stdout: '',
    stderr: '',
    console: '',
  };

  it.each<[string[], object]>([
    [['sh'], {}],
    [['--tty', 'sh'], { terminal: true }],
    [['--cwd', '/tmp', 'sh'], { cwd: '/tmp' }],
    [['--env', 'A=1', '-e', 'B=2', 'sh'], { env: ['A=1', 'B=2'] }],
    [['-u', '7', '--gid=8', 'sh'], { user: { uid: 7, gid: 8, additionalGids: [] } }],
    [['sh', '-c', 'ls', '--id', '-t'], { args: ['sh', '-c', 'ls', '--id', '-t'] }],
    [['--', '-sh', '--'], { args: ['-sh', '--'] }],
  ])('%j asks for a process', async (argv, sent) => {
    expect(await run('containers', 'exec', '--id', 'redis', ...argv)).toEqual({
      status: 0,
      stdout: '',
      warnings: [],
    });
    expect(daemon.asked).toEqual([{ method: 'addProcess', request: { ...plain, ...sent } }]);
  });
});

describe('containers stats', () => {
  const sample = (total_usage: bigint) =>
    Stats.fromPartial({
      timestamp: 1_769_860_800n,
      network_stats: [{ name: 'eth0', rx_bytes: 2048n, Tx_bytes: 100n }],
      cgroup_stats: {
        cpu_stats: { cpu_usage: { total_usage } },
        memory_stats: { usage: { usage: 1_572_864n, max_usage: 2n ** 64n - 1n, failcnt: 0n } },
      },
    });

  it('prints an object a line for a program, with all digits', async () => {
    daemon.stats = [sample(1n), sample(2n)];
    const { status, stdout } = await run('containers', 'stats', 'redis');
    const lines = stdout.trimEnd().split('\n');
    expect(status).toBe(0);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('"usage":{"usage":1572864,"max_usage":18446744073709551615,"failcnt":0}');
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({
      timestamp: 1_769_860_800,
      network_stats: [{ name: 'eth0', rx_bytes: 2048 }],
      cgroup_stats: { cpu_stats: { cpu_usage: { total_usage: 2 } } },
    });
    expect(daemon.asked).toEqual([{ method: 'getStats', request: { id: 'redis' } }]);
  });

  it('prints a row a sample for somebody who looks', async () => {
    daemon.stats = [sample(1n)];
    expect((await ctr(daemon, ['containers', 'stats', 'redis'], { isTTY: true })).stdout).toBe(
      'CPU                 MEMORY / MAX        NET IN / OUT        DISK READ / WRITE\n' +
        '-                   1.50MiB / 16.0EiB   2.00KiB / 100B      0B / 0B\n',
    );
  });

  it('says why there are none', async () => {
    daemon.refusal = { code: status.NOT_FOUND, details: 'containerd: container not found' };
    await expect(run('containers', 'stats', 'nobody')).rejects.toThrow(
      new Refusal('NOT_FOUND', 'containerd: container not found'),
    );
  });
});

describe('checkpoints', () => {
  const checkpoints = [
    { name: 'test', exit: false, tcp: false, unixSockets: false, shell: false },
    { name: 'test2', exit: true, tcp: true, unixSockets: true, shell: true },
  ];

  it.each([[['checkpoints', 'redis']], [['checkpoints', 'list', 'redis']]])(
    '%j prints a table',
    async (argv) => {
      daemon.answers.listCheckpoint = { checkpoints };
      expect((await run(...argv)).stdout).toBe(
        'NAME                TCP                 UNIX SOCKETS        SHELL\n' +
          'test                false               false               false\n' +
          'test2               true                true                true\n',
      );
      expect(daemon.asked).toEqual([{ method: 'listCheckpoint', request: { id: 'redis' } }]);
    },
  );

  it('prints an object a line with --json', async () => {
    daemon.answers.listCheckpoint = { checkpoints };
    const { stdout } = await run('checkpoints', '--json', 'redis');
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(checkpoints);
  });

  it.each<[string[], object]>([
    [[], {}],
    [['--tcp'], { tcp: true }],
    [['--unix-sockets'], { unixSockets: true }],
    [['--exit'], { exit: true }],
    [['--shell'], { shell: true }],
    [
      ['--tcp', '--unix-sockets', '--exit', '--shell'],
      { tcp: true, unixSockets: true, exit: true, shell: true },
    ],
  ])('create %j sends its flags', async (flags, sent) => {
    await run('checkpoints', 'create', ...flags, 'redis', 'test');
    const none = { exit: false, tcp: false, unixSockets: false, shell: false };
    expect(daemon.asked).toEqual([
      {
        method: 'createCheckpoint',
        request: { id: 'redis', checkpoint: { name: 'test', ...none, ...sent } },
      },
    ]);
  });

  it('delete asks for it', async () => {
    await run('checkpoints', 'delete', 'redis', 'test');
    expect(daemon.asked).toEqual([{ method: 'deleteCheckpoint', request: { id: 'redis', name: 'test' } }]);
  });
});

describe('events', () => {
  const exit = Event.fromPartial({
    type: 'exit',
    id: 'redis',
    pid: 24761,
    timestamp: 1_769_860_800_123_456_789n,
    sequence: 7n,
  });

  it('prints a row for each', async () => {
    daemon.events = [exit, Event.fromPartial({ type: 'oom', id: 'redis' })];
    const { stdout } = await run('events');
    expect(stdout).toBe(
      'TYPE                ID                  PID                 STATUS\n' +
        'exit                redis               24761               0\n' +
        'oom                 redis               0                   0\n',
    );
    expect(daemon.asked).toEqual([{ method: 'events', request: { since: 0n, id: '', types: [] } }]);
  });

  it('prints an object for each with --json', async () => {
    daemon.events = [exit];
    expect((await run('events', '--json')).stdout).toBe(
      '{"timestamp":"2026-01-31T12:00:00.123456789Z","sequence":7,"type":"exit","id":"redis","pid":24761,"status":0}\n',
    );
  });

  it('says with --json what few events have', async () => {
    daemon.events = [
      { ...exit, unknown: true },
      { ...exit, type: 'start', adopted: true },
      { ...exit, type: 'undone', why: 'no' },
    ];
    const lines = (await run('events', '--json')).stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/^.*"status":0,/, '{'))).toEqual([
      '{"unknown":true}',
      '{"adopted":true}',
      '{"why":"no"}',
    ]);
  });

  it('asks for what its flags name', async () => {
    const since = '2026-01-31T12:00:00.123456789Z';
    await run('events', '--since', since, '--id', 'redis', '--type', 'exit', '--type', 'exec');
    expect(daemon.asked).toMatchObject([
      { request: { since: 1_769_860_800_123_456_789n, id: 'redis', types: ['exit', 'exec'] } },
    ]);
  });

  it('ends with the daemon’s words where the stream fails', async () => {
    daemon.events = [exit];
    daemon.refusal = { code: status.UNAVAILABLE, details: 'containerd: supervisor is shutdown' };
    await expect(run('events')).rejects.toThrow(
      new Refusal('UNAVAILABLE', 'containerd: supervisor is shutdown'),
    );
  });
});

describe('what the daemon refuses', () => {
  it('is told in its own words', async () => {
    daemon.refusal = { code: status.NOT_FOUND, details: 'containerd: container not found' };
    await expect(run('containers', 'kill', 'nobody')).rejects.toThrow(
      new Refusal('NOT_FOUND', 'containerd: container not found'),
    );
  });

  it('is told with what to do where nobody listens', async () => {
    const socketPath = `${daemon.socketPath}.missing`;
    await expect(ctr({ socketPath }, ['containers'])).rejects.toThrow(
      new CliError(
        `cannot reach containerd at ${socketPath}: there is no such socket: start containerd, or say where it listens by --address or CONTAINERD_ADDRESS`,
      ),
    );
  });

  it('is told with what to do where no socket is', async () => {
    const socketPath = import.meta.filename;
    await expect(ctr({ socketPath }, ['events'])).rejects.toThrow(
      /^cannot reach containerd at .*: (that is no socket|nobody listens)/,
    );
  });
});
