import { once } from 'node:events';
import { access, readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { checkpoint, flagged, listed, until } from './fixtures/checkpoint.ts';
import { type EventStream, failureOf, TestDaemon } from './fixtures/daemon.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Made once; the tests' own bundles share its root file system, which they do not write to. */
const REDIS = path.join(root, 'build/redis');
const MAKE_TIMEOUT_MS = 600_000;

let bundles: Bundles;
let daemon: TestDaemon;
let events: EventStream;

beforeAll(async () => {
  await access(REDIS).catch(() => execa(path.join(root, 'scripts/make-bundle'), ['redis', REDIS]));
  bundles = await makeBundles();
  daemon = await TestDaemon.start();
  events = await daemon.events();
}, MAKE_TIMEOUT_MS);
afterAll(async () => {
  await daemon?.remove();
  await bundles?.remove();
});

/** A port that nobody listens at. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The bundle as make-bundle makes it, but for the port. */
async function makeRedisBundle(name: string, port: number): Promise<string> {
  const config = JSON.parse(await readFile(path.join(REDIS, 'config.json'), 'utf8'));
  const { args } = config.process;
  args[args.indexOf('--port') + 1] = String(port);
  config.root.path = path.join(REDIS, 'rootfs');
  return bundles.make(name, { config: JSON.stringify(config) });
}

/** A client of redis, which sends inline commands (Redis protocol specification) and has one answer to each. */
class RedisClient {
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Connects as soon as somebody listens. */
  static async to(port: number): Promise<RedisClient> {
    const socket = await until(async () => {
      const attempt = connect(port, '127.0.0.1');
      return once(attempt, 'connect').then(
        () => attempt,
        () => undefined,
      );
    });
    return new RedisClient(socket);
  }

  async ask(command: string): Promise<string> {
    this.socket.write(`${command}\r\n`);
    const [answer] = await once(this.socket, 'data');
    return String(answer).trimEnd();
  }
}

it('a redis with a client connected is restored with its data, and the same connection answers', async () => {
  const port = await freePort();
  const bundle = await makeRedisBundle('redis', port);
  const id = `redis-${process.pid}`;
  const { pid } = await daemon.create(id, bundle);
  const client = await RedisClient.to(port);
  const address = client.socket.localPort;
  expect(await client.ask('SET greeting hello')).toBe('+OK');

  const refused = await failureOf(checkpoint(daemon, id, 'live', { exit: true }));
  expect(refused.message).toContain('consider using --tcp-established option');
  expect(await client.ask('GET greeting')).toBe('$5\r\nhello');

  await checkpoint(daemon, id, 'live', { exit: true, tcp: true });
  expect((await events.exit(id, pid)).status).toBe(137);
  // What is asked meanwhile is answered afterwards: the kernel sends it again.
  const asked = client.ask('APPEND greeting ,');

  const again = await daemon.create(id, bundle, { checkpoint: 'live' });
  expect(await asked).toBe(':6');
  expect(await client.ask('APPEND greeting world')).toBe(':11');
  expect(client.socket.localPort).toBe(address);
  const other = await RedisClient.to(port);
  expect(await other.ask('GET greeting')).toBe('$11\r\nhello,world');
  expect(await listed(daemon, id)).toEqual([flagged('live', { exit: true, tcp: true })]);

  other.socket.destroy();
  client.socket.destroy();
  await daemon.signal(id, 9);
  await events.exit(id, again.pid);
});
