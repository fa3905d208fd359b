import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type ServiceError,
  type status,
} from '@grpc/grpc-js';
import { connect } from '../../src/ctr/daemon.ts';
import { readCommandLine } from '../../src/ctr/program.ts';
import * as wire from '../../src/generated/api.ts';
import { type InspectServer, InspectService, type WatchResponse } from '../../src/generated/inspect.ts';

/** What a fake daemon has been asked for, in order. */
export type Asked = { method: string; request: unknown };

/** A server of the API that has no containers: it notes what it is asked for and answers as it is told to. */
export type FakeDaemon = {
  socketPath: string;
  asked: Asked[];
  /** What each method answers; an empty message where nothing is said. */
  answers: Partial<Record<string, unknown>>;
  /** What the next request is refused with. */
  refusal: { code: status; details: string } | undefined;
  events: wire.Event[];
  stats: wire.Stats[];
  watched: WatchResponse[];
  close(): Promise<void>;
};

export async function startFakeDaemon(): Promise<FakeDaemon> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'fake-'));
  const socketPath = path.join(folder, 'c.sock');
  const server = new Server();
  const fake: FakeDaemon = {
    socketPath,
    asked: [],
    answers: {},
    refusal: undefined,
    events: [],
    stats: [],
    watched: [],
    async close() {
      server.forceShutdown();
      await rm(folder, { recursive: true });
    },
  };
  const unary =
    <Request, Answer>(method: string, empty: Answer): handleUnaryCall<Request, Answer> =>
    ({ request }, callback) => {
      fake.asked.push({ method, request });
      if (fake.refusal === undefined) callback(null, (fake.answers[method] as Answer) ?? empty);
      else callback({ ...fake.refusal, metadata: new Metadata() } as ServiceError);
    };
  const stream =
    <Request, Message>(method: string, messages: () => Message[]) =>
    (call: ServerWritableStream<Request, Message>) => {
      fake.asked.push({ method, request: call.request });
      call.sendMetadata(new Metadata());
      for (const message of messages()) call.write(message);
      if (fake.refusal === undefined) call.end();
      else call.emit('error', fake.refusal);
    };
  server.addService(wire.APIService, {
    createContainer: unary('createContainer', { pid: 0 }),
    updateContainer: unary('updateContainer', {}),
    signal: unary('signal', {}),
    addProcess: unary('addProcess', { pid: 0 }),
    updateProcess: unary('updateProcess', {}),
    createCheckpoint: unary('createCheckpoint', {}),
    deleteCheckpoint: unary('deleteCheckpoint', {}),
    listCheckpoint: unary('listCheckpoint', { checkpoints: [] }),
    state: unary('state', { containers: [], machine: undefined }),
    events: stream('events', () => fake.events),
    getStats: stream('getStats', () => fake.stats),
  } satisfies wire.APIServer);
  server.addService(InspectService, {
    tree: unary('tree', { actors: [] }),
    history: unary('history', { steps: [] }),
    watch: stream('watch', () => fake.watched),
  } satisfies InspectServer);
  await promisify(server.bindAsync.bind(server))(`unix:${socketPath}`, ServerCredentials.createInsecure());
  return fake;
}

/** What `ctr` prints and warns of with these arguments, and its exit status. */
export async function ctr(
  { socketPath }: { socketPath: string },
  argv: string[],
  { isTTY = false } = {},
): Promise<{ status: number; stdout: string; warnings: string[] }> {
  const parsed = readCommandLine(argv, {});
  if (parsed.kind === 'exit') {
    return { status: parsed.status, stdout: parsed.stdout, warnings: [parsed.stderr] };
  }
  let stdout = '';
  const warnings: string[] = [];
  const daemon = connect(socketPath, () => {});
  const write = async (text: string) => {
    stdout += text;
  };
  try {
    const status = await parsed.job({
      daemon,
      stdout: { write, isTTY },
      warn: (text) => warnings.push(text),
    });
    return { status, stdout, warnings };
  } finally {
    daemon.close();
  }
}
