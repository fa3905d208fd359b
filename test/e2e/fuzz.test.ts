import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type Client,
  credentials,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { APIService } from '../../src/generated/api.ts';
import { mutated, SEED } from '../fuzz/fuzzed.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { TestDaemon } from './fixtures/daemon.ts';

const KILL = 9;
/** What one call may take; what streams is hung up on before. */
const DEADLINE_MS = 20_000;
const STREAM_MS = 50;
const TIME_LIMIT_MS = 25_000;
/** What says that the server stumbled rather than refused. */
const CRASHED = [
  status.UNKNOWN,
  status.UNAVAILABLE,
  status.DATA_LOSS,
  status.UNIMPLEMENTED,
  // It has not answered at all.
  status.DEADLINE_EXCEEDED,
];

let bundles: Bundles;
let daemon: TestDaemon;
let raw: Client;
beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start();
  const Raw = makeGenericClientConstructor({}, 'types.API');
  raw = new Raw(`unix:${daemon.socketPath}`, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
  }) as unknown as Client;
});
afterAll(async () => {
  raw?.close();
  await daemon?.remove();
  await bundles?.remove();
});

type Method = (typeof APIService)[keyof typeof APIService];
const asBytes = (bytes: Buffer) => bytes;

/** What the daemon answers to bytes: the status's number; of a stream that goes on, that it does. */
function send({ path: method, responseStream }: Method, bytes: Buffer): Promise<number> {
  const deadline = Date.now() + DEADLINE_MS;
  return new Promise((resolve) => {
    if (!responseStream) {
      raw.makeUnaryRequest(method, asBytes, asBytes, bytes, { deadline }, (error: ServiceError | null) =>
        resolve(error?.code ?? status.OK),
      );
      return;
    }
    const stream = raw.makeServerStreamRequest(method, asBytes, asBytes, bytes, { deadline });
    stream.on('data', () => {});
    stream.on('error', ({ code }: ServiceError) => resolve(code));
    stream.on('end', () => resolve(status.OK));
    setTimeout(() => stream.cancel(), STREAM_MS);
  });
}

it('whatever is sent to whichever method is answered, nothing outside is touched, and containers start afterwards', async () => {
  const guarded = path.join(daemon.folder, 'guarded');
  await mkdir(guarded);
  await writeFile(path.join(guarded, 'file'), 'as it was');
  const bundle = await bundles.make('fuzzed');
  const kept = `kept-${process.pid}`;
  const { pid } = await daemon.create(kept, bundle);
  const methods: Method[] = Object.values(APIService);
  const hostile = fc.oneof(
    fc.constantFrom(
      kept,
      '..',
      '../guarded',
      `${guarded}/file`,
      `${bundle}/../../${guarded}`,
      '/dev/full',
      '/proc/self/mem',
      'a\0b',
      '',
      '/',
      'running',
      'paused',
    ),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constant('x'.repeat(1_000_000)),
  );
  const number = fc.oneof(fc.constantFrom(0, 1, 64, 65, 2 ** 31, 2 ** 32 - 1), fc.nat());
  /** A field as the wire has it: number and type need not be the method's. */
  const field = fc
    .tuple(fc.integer({ min: 1, max: 12 }), fc.nat({ max: 7 }), fc.oneof(hostile, number))
    .map(([tag, wireType, value]) => {
      const bytes = Buffer.from(String(value));
      const length = bytes.length;
      const varint = (n: number): number[] =>
        n < 128 ? [n] : [(n % 128) | 128, ...varint(Math.floor(n / 128))];
      return typeof value === 'number'
        ? Buffer.from([tag * 8 + (wireType % 6), ...varint(value)])
        : Buffer.concat([Buffer.from([tag * 8 + 2, ...varint(length)]), bytes]);
    });
  const message = fc.array(field, { maxLength: 8 }).map((fields) => Buffer.concat(fields));
  const anyBytes = fc.oneof(
    message,
    message.chain(mutated),
    fc.uint8Array({ maxLength: 200 }).map((it) => Buffer.from(it)),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...methods), anyBytes, async (method, bytes) => {
      expect(CRASHED).not.toContain(await send(method, bytes));
      expect(daemon.child.exitCode ?? daemon.child.signalCode).toBe(null);
    }),
    { seed: SEED, numRuns: 600, interruptAfterTimeLimit: TIME_LIMIT_MS, endOnFailure: true },
  );
  expect(await readdir(guarded)).toEqual(['file']);
  expect(await readFile(path.join(guarded, 'file'), 'utf8')).toBe('as it was');
  // What was said of it may have ended or frozen it, and nothing else.
  const events = await daemon.events({ since: 1n });
  await daemon.signal(kept, KILL).catch(() => {});
  expect(await events.exit(kept, pid)).toMatchObject({ pid });
  const next = await daemon.create(`next-${process.pid}`, bundle);
  await daemon.signal(`next-${process.pid}`, KILL);
  await events.exit(`next-${process.pid}`, next.pid);
  events.close();
  expect(await daemon.containers()).toEqual([]);
  expect(daemon.log.filter(({ level }) => level >= 50)).toEqual([]);
});
