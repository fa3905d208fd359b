import { describe, expect, it } from 'vitest';
import type { MessageFns } from '../../src/generated/api.ts';
import * as api from '../../src/generated/api.ts';

/**
 * The numbers and types of containerd 0.0.4, written out: each field alone, as the bytes that stand for it. A byte of
 * a tag is number * 8 + wire type (protobuf.dev/programming-guides/encoding): 0 varint, 2 length-delimited.
 */

const text = (number: number, value: string): number[] => [
  number * 8 + 2,
  value.length,
  ...Buffer.from(value),
];
const varint = (number: number, value: number): number[] => [number * 8, value];
const inner = (number: number, ...bytes: number[]): number[] => [number * 8 + 2, bytes.length, ...bytes];
/** A tag that takes two bytes: numbers of 16 and up. */
const far = (number: number, wireType: number): number[] => [
  ((number * 8 + wireType) & 0x7f) | 0x80,
  (number * 8) >> 7,
];
const MAX_UINT64 = 2n ** 64n - 1n;
const MAX_BYTES = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];

type Fields = Record<string, [value: unknown, bytes: number[]]>;
type Row = [fns: MessageFns<unknown>, fields: Fields];

const uint64s = (names: string[], first: number): Fields =>
  Object.fromEntries(names.map((name, n) => [name, [MAX_UINT64, [(first + n) * 8, ...MAX_BYTES]]]));
const texts = (names: string[], first: number): Fields =>
  Object.fromEntries(names.map((name, n) => [name, ['v', text(first + n, 'v')]]));
const flags = (names: string[], first: number): Fields =>
  Object.fromEntries(names.map((name, n) => [name, [true, varint(first + n, 1)]]));
const uint32s = (names: string[], first: number): Fields =>
  Object.fromEntries(names.map((name, n) => [name, [7, varint(first + n, 7)]]));

const USER = { uid: 1, gid: 2, additionalGids: [3, 4] };
const USER_BYTES = [...varint(1, 1), ...varint(2, 2), ...inner(3, 3, 4)];
const CHECKPOINT = { name: 'c', exit: true, tcp: true, unixSockets: true, shell: true };
const CHECKPOINT_BYTES = [...text(1, 'c'), 16, 1, 24, 1, 32, 1, 40, 1];
const PROCESS = { pid: 9, terminal: true, user: USER, args: ['a', 'b'], env: ['E=1'], cwd: '/' };
const PROCESS_BYTES = [
  ...varint(1, 9),
  ...varint(2, 1),
  ...inner(3, ...USER_BYTES),
  ...text(4, 'a'),
  ...text(4, 'b'),
  ...text(5, 'E=1'),
  ...text(6, '/'),
];
const CONTAINER = { id: 'i', name: 'n', bundlePath: '/b', processes: [PROCESS], status: 'running' };
const CONTAINER_BYTES = [
  ...text(1, 'i'),
  ...text(2, 'n'),
  ...text(3, '/b'),
  ...inner(4, ...PROCESS_BYTES),
  ...text(5, 'running'),
];
const DATA = { usage: 1n, max_usage: 2n, failcnt: 3n };
const DATA_BYTES = [8, 1, 16, 2, 24, 3];
const ENTRY = { major: 1n, minor: 2n, op: 'Read', value: 3n };
const ENTRY_BYTES = [8, 1, 16, 2, ...text(3, 'Read'), 32, 3];

const messages: Record<string, Row> = {
  CreateContainerRequest: [
    api.CreateContainerRequest,
    texts(['id', 'bundlePath', 'stdin', 'stdout', 'stderr', 'console', 'checkpoint'], 1),
  ],
  CreateContainerResponse: [api.CreateContainerResponse, uint32s(['pid'], 1)],
  SignalRequest: [api.SignalRequest, { ...texts(['id'], 1), ...uint32s(['pid', 'signal'], 2) }],
  AddProcessRequest: [
    api.AddProcessRequest,
    {
      ...texts(['id'], 1),
      ...flags(['terminal'], 2),
      user: [USER, inner(3, ...USER_BYTES)],
      args: [
        ['x', 'y'],
        [...text(4, 'x'), ...text(4, 'y')],
      ],
      env: [['A=b'], text(5, 'A=b')],
      ...texts(['cwd', 'stdin', 'stdout', 'stderr', 'console'], 6),
    },
  ],
  AddProcessResponse: [api.AddProcessResponse, uint32s(['pid'], 1)],
  User: [api.User, { ...uint32s(['uid', 'gid'], 1), additionalGids: [[3, 4], inner(3, 3, 4)] }],
  CreateCheckpointRequest: [
    api.CreateCheckpointRequest,
    { ...texts(['id'], 1), checkpoint: [CHECKPOINT, inner(2, ...CHECKPOINT_BYTES)] },
  ],
  DeleteCheckpointRequest: [api.DeleteCheckpointRequest, texts(['id', 'name'], 1)],
  ListCheckpointRequest: [api.ListCheckpointRequest, texts(['id'], 1)],
  ListCheckpointResponse: [
    api.ListCheckpointResponse,
    { checkpoints: [[CHECKPOINT], inner(1, ...CHECKPOINT_BYTES)] },
  ],
  Checkpoint: [
    api.Checkpoint,
    { ...texts(['name'], 1), ...flags(['exit', 'tcp', 'unixSockets', 'shell'], 2) },
  ],
  ContainerState: [api.ContainerState, texts(['status'], 1)],
  Process: [
    api.Process,
    {
      ...uint32s(['pid'], 1),
      ...flags(['terminal'], 2),
      user: [USER, inner(3, ...USER_BYTES)],
      args: [['x'], text(4, 'x')],
      env: [['A=b'], text(5, 'A=b')],
      ...texts(['cwd'], 6),
    },
  ],
  Container: [
    api.Container,
    {
      ...texts(['id', 'name', 'bundlePath'], 1),
      processes: [[PROCESS], inner(4, ...PROCESS_BYTES)],
      ...texts(['status'], 5),
    },
  ],
  Machine: [api.Machine, { ...texts(['id'], 1), ...uint32s(['cpus'], 2), ...uint64s(['memory'], 3) }],
  StateResponse: [
    api.StateResponse,
    {
      containers: [[CONTAINER], inner(1, ...CONTAINER_BYTES)],
      machine: [{ id: 'm', cpus: 2, memory: 3n }, inner(2, ...text(1, 'm'), 16, 2, 24, 3)],
    },
  ],
  UpdateContainerRequest: [
    api.UpdateContainerRequest,
    { ...texts(['id'], 1), ...uint32s(['signal'], 2), ...texts(['status'], 3) },
  ],
  EventsRequest: [
    api.EventsRequest,
    {
      since: [MAX_UINT64, [...far(100, 0), ...MAX_BYTES]],
      id: ['v', [...far(101, 2), 1, 118]],
      types: [['t'], [...far(102, 2), 1, 116]],
    },
  ],
  Event: [
    api.Event,
    {
      ...texts(['type', 'id'], 1),
      ...uint32s(['status'], 3),
      ...texts(['bundlePath'], 4),
      ...uint32s(['pid'], 5),
      ...uint32s(['signal'], 7),
      process: [PROCESS, inner(8, ...PROCESS_BYTES)],
      containers: [[CONTAINER], inner(9, ...CONTAINER_BYTES)],
      checkpoint: [CHECKPOINT, inner(10, ...CHECKPOINT_BYTES)],
      timestamp: [MAX_UINT64, [...far(100, 0), ...MAX_BYTES]],
      sequence: [MAX_UINT64, [...far(101, 0), ...MAX_BYTES]],
      unknown: [true, [...far(102, 0), 1]],
      adopted: [true, [...far(103, 0), 1]],
      why: ['v', [...far(104, 2), 1, ...Buffer.from('v')]],
    },
  ],
  NetworkStats: [
    api.NetworkStats,
    {
      ...texts(['name'], 1),
      ...uint64s(
        [
          'rx_bytes',
          'rx_Packets',
          'Rx_errors',
          'Rx_dropped',
          'Tx_bytes',
          'Tx_packets',
          'Tx_errors',
          'Tx_dropped',
        ],
        2,
      ),
    },
  ],
  CpuUsage: [
    api.CpuUsage,
    {
      ...uint64s(['total_usage'], 1),
      percpu_usage: [[1n, MAX_UINT64], inner(2, 1, ...MAX_BYTES)],
      ...uint64s(['usage_in_kernelmode', 'usage_in_usermode'], 3),
    },
  ],
  ThrottlingData: [api.ThrottlingData, uint64s(['periods', 'throttled_periods', 'throttled_time'], 1)],
  CpuStats: [
    api.CpuStats,
    {
      cpu_usage: [
        { total_usage: 1n, percpu_usage: [], usage_in_kernelmode: 0n, usage_in_usermode: 0n },
        inner(1, 8, 1),
      ],
      throttling_data: [{ periods: 1n, throttled_periods: 0n, throttled_time: 0n }, inner(2, 8, 1)],
    },
  ],
  MemoryData: [api.MemoryData, uint64s(['usage', 'max_usage', 'failcnt'], 1)],
  MemoryStats: [
    api.MemoryStats,
    {
      ...uint64s(['cache'], 1),
      usage: [DATA, inner(2, ...DATA_BYTES)],
      swap_usage: [DATA, inner(3, ...DATA_BYTES)],
      kernel_usage: [DATA, inner(4, ...DATA_BYTES)],
      stats: [{ rss: 5n }, inner(5, ...text(1, 'rss'), 16, 5)],
    },
  ],
  BlkioStatsEntry: [
    api.BlkioStatsEntry,
    { ...uint64s(['major', 'minor'], 1), ...texts(['op'], 3), ...uint64s(['value'], 4) },
  ],
  BlkioStats: [
    api.BlkioStats,
    Object.fromEntries(
      [
        'io_service_bytes_recursive',
        'io_serviced_recursive',
        'io_queued_recursive',
        'io_service_time_recursive',
        'io_wait_time_recursive',
        'io_merged_recursive',
        'io_time_recursive',
        'sectors_recursive',
      ].map((name, n) => [name, [[ENTRY], inner(n + 1, ...ENTRY_BYTES)]]),
    ),
  ],
  HugetlbStats: [api.HugetlbStats, uint64s(['usage', 'max_usage', 'failcnt'], 1)],
  CgroupStats: [
    api.CgroupStats,
    {
      cpu_stats: [{ cpu_usage: undefined, throttling_data: undefined }, inner(1)],
      memory_stats: [
        { cache: 1n, usage: undefined, swap_usage: undefined, kernel_usage: undefined, stats: {} },
        inner(2, 8, 1),
      ],
      blkio_stats: [
        { ...api.BlkioStats.create(), sectors_recursive: [ENTRY] },
        inner(3, ...inner(8, ...ENTRY_BYTES)),
      ],
      hugetlb_stats: [{ '2MB': DATA }, inner(4, ...text(1, '2MB'), ...inner(2, ...DATA_BYTES))],
    },
  ],
  StatsRequest: [api.StatsRequest, texts(['id'], 1)],
  Stats: [
    api.Stats,
    {
      network_stats: [[{ ...api.NetworkStats.create(), name: 'lo' }], inner(1, ...text(1, 'lo'))],
      cgroup_stats: [{ ...api.CgroupStats.create() }, inner(2)],
      ...uint64s(['timestamp'], 3),
    },
  ],
  UpdateProcessRequest: [
    api.UpdateProcessRequest,
    {
      ...texts(['id'], 1),
      ...uint32s(['pid'], 2),
      ...flags(['closeStdin'], 3),
      ...uint32s(['width', 'height'], 4),
    },
  ],
};

const EMPTY: Record<string, MessageFns<unknown>> = {
  SignalResponse: api.SignalResponse,
  UpdateContainerResponse: api.UpdateContainerResponse,
  CreateCheckpointResponse: api.CreateCheckpointResponse,
  DeleteCheckpointResponse: api.DeleteCheckpointResponse,
  StateRequest: api.StateRequest,
  UpdateProcessResponse: api.UpdateProcessResponse,
};

describe.each(Object.entries(messages))('%s', (_, [fns, fields]) => {
  it.each(Object.entries(fields))('writes and reads %s as 0.0.4 does', (name, [value, bytes]) => {
    const encoded = fns.encode(fns.fromPartial({ [name]: value })).finish();
    expect([...encoded]).toEqual(bytes);
    expect(fns.decode(Uint8Array.from(bytes))).toEqual(fns.fromPartial({ [name]: value }));
  });
  it('has no other field', () => {
    expect(Object.keys(fns.create() as object).sort()).toEqual(Object.keys(fields).sort());
  });
});

describe.each(Object.entries(EMPTY))('%s', (_, fns) => {
  it('has no fields', () => {
    expect(Object.keys(fns.create() as object)).toEqual([]);
    expect([...fns.encode(fns.create()).finish()]).toEqual([]);
  });
});

it('the service is types.API, with the methods of 0.0.4 and one more', () => {
  expect(Object.values(api.APIService).map(({ path, responseStream }) => [path, responseStream])).toEqual([
    ['/types.API/CreateContainer', false],
    ['/types.API/UpdateContainer', false],
    ['/types.API/Signal', false],
    ['/types.API/AddProcess', false],
    ['/types.API/CreateCheckpoint', false],
    ['/types.API/DeleteCheckpoint', false],
    ['/types.API/ListCheckpoint', false],
    ['/types.API/State', false],
    ['/types.API/Events', true],
    ['/types.API/GetStats', true],
    ['/types.API/UpdateProcess', false],
  ]);
});
