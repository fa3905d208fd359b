import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { descriptorLimit, setDescriptorLimit } from '../../src/linux/rlimit.ts';
import { kill, pidfdOpen } from '../../src/linux/signal.ts';
import { watchFd } from '../../src/linux/watch.ts';
import { connectShim } from '../../src/shim/client.ts';
import { encodeFrame } from '../../src/shim/frames.ts';
import { ensureShim } from '../../src/shim/launch.ts';
import { within } from '../linux/deadline.ts';
import { openReader, readAll } from '../linux/fifo-reader.ts';
import { buildShim, ShimUnderTest } from './shim-under-test.ts';

const built = await buildShim();
afterAll(() => built.remove());

let shim: ShimUnderTest;
beforeEach(async () => {
  shim = new ShimUnderTest(built.program);
});
afterEach(() => shim.end());

const UNTIL_KILLED = 'exec sleep 600';
const keyOf = (container: string) => ({ container, process: 'init' });

/** Resolves once a process has ended. */
function ended(pid: number): Promise<void> {
  const pidfd = pidfdOpen(pid);
  const end = new Promise<void>((resolve) => {
    const watch = watchFd(pidfd, { readable: true }, () => {
      watch.close();
      resolve();
    });
  });
  return within(5_000, 'the end of the shim', end);
}

test('a shim is started where there is none, in a session of its own, and found again where there is one', async () => {
  const first = await shim.connect();
  const [, , , , , session] = readFileSync(`/proc/${first.pid}/stat`, 'utf8').split(' ');
  expect(session).toBe(String(first.pid));
  await first.start(shim.request('a', UNTIL_KILLED));
  first.close();
  expect((await shim.connect()).pid).toBe(first.pid);
  expect(statSync(shim.path('shim.sock')).mode & 0o777).toBe(0o600);
});

test('two daemons that look for a shim at the same moment end with one', async () => {
  const options = {
    stateDir: shim.stateDir,
    program: built.program,
    env: { PATH: process.env.PATH },
    onExit: () => {},
    onLost: () => {},
  };
  const [first, second] = await Promise.all([ensureShim(options), ensureShim(options)]);
  expect(first.pid).toBe(second.pid);
  await shim.connect();
});

test('a shim for which there are no descriptors is an error that says so', async () => {
  const limit = descriptorLimit();
  const next = openSync('/dev/null', 'r');
  closeSync(next);
  // For its log, and no pipe besides.
  setDescriptorLimit({ ...limit, soft: BigInt(next + 1) });
  try {
    await expect(new ShimUnderTest(built.program).connect()).rejects.toMatchObject({
      reason: 'spawn',
      message: expect.stringContaining('EMFILE'),
    });
  } finally {
    setDescriptorLimit(limit);
  }
});

test('a shim that cannot be started is an error with the end of its log', async () => {
  const broken = new ShimUnderTest([
    process.execPath,
    '-e',
    'console.error("no koffi here"); process.exit(1)',
    '--',
  ]);
  await expect(broken.connect()).rejects.toMatchObject({
    name: 'ShimError',
    reason: 'spawn',
    output: 'no koffi here\n',
  });
  const shortened = new ShimUnderTest(['sh', '-c', ': > "$1/shim.log"; echo words >&2; exit 1']);
  writeFileSync(shortened.path('shim.log'), 'what a shim before it has said\n');
  await expect(shortened.connect()).rejects.toMatchObject({ reason: 'spawn', output: 'words\n' });
  const missing = new ShimUnderTest(['/no/such/node']);
  await expect(missing.connect()).rejects.toMatchObject({
    reason: 'spawn',
    message: expect.stringContaining('ENOENT'),
  });
  await broken.end();
  await shortened.end();
  await missing.end();
});

test('a second shim for the same state directory says so and leaves the first alone', async () => {
  const { pid } = await shim.connect();
  const [program = '', ...args] = built.program;
  const second: ChildProcess = spawn(program, [...args, '--state-dir', shim.stateDir], { stdio: 'ignore' });
  expect(await once(second, 'exit')).toEqual([3, null]);
  shim.client.close();
  await ended(pid);
});

test('a socket that a killed shim has left behind does not keep the next from serving', async () => {
  const first = await shim.connect();
  const gone = ended(first.pid);
  kill(first.pid, 9);
  await gone;
  await shim.loss();
  expect(existsSync(shim.path('shim.sock'))).toBe(true);
  expect((await shim.connect()).pid).not.toBe(first.pid);
});

test('a shim without work leaves with its daemon, and takes its socket along', async () => {
  const { pid } = await shim.connect();
  const gone = ended(pid);
  shim.client.close();
  await gone;
  expect(existsSync(shim.path('shim.sock'))).toBe(false);
});

test('a shim without work stays for the reader of what has been written, and leaves with that', async () => {
  const { pid } = await shim.connect();
  const stdout = shim.path('out');
  execFileSync('mkfifo', [stdout]);
  await shim.run(shim.request('a', 'echo late', { stdout }));
  const gone = ended(pid);
  shim.client.close();
  await expect.poll(() => readFileSync(shim.path('shim.log'), 'utf8')).toContain('the daemon has gone');
  expect((await shim.connect()).pid).toBe(pid);
  shim.client.close();
  expect(String(await readAll(openReader(stdout)))).toBe('late\n');
  await gone;
});

test('a shim with a process or an unacknowledged exit stays without its daemon, and tells the next', async () => {
  const { pid } = await shim.connect();
  const { pid: running, startTime } = await shim.client.start(shim.request('a', UNTIL_KILLED));
  await shim.client.start(shim.request('b', 'exit 6'));
  await shim.exit(keyOf('b'));
  shim.client.close();

  const client = await shim.connect();
  expect(client.pid).toBe(pid);
  expect(client.starting).toEqual([]);
  expect(client.processes).toEqual([
    { key: keyOf('a'), pid: running, startTime },
    { key: keyOf('b'), pid: expect.any(Number), startTime: expect.any(BigInt) },
  ]);
  expect((await shim.exit(keyOf('b'))).status).toBe(6);
  await client.ack(keyOf('b'));

  await client.kill(keyOf('a'), 9);
  await shim.exit(keyOf('a'));
  await client.ack(keyOf('a'));
  const gone = ended(pid);
  client.close();
  await gone;
});

test('an exit while there is no daemon is told to the next', async () => {
  await shim.connect();
  const { pid } = await shim.client.start(shim.request('a', UNTIL_KILLED));
  shim.client.close();
  const gone = ended(pid);
  kill(pid, 15);
  await gone;
  await shim.connect();
  expect((await shim.exit(keyOf('a'))).status).toBe(128 + 15);
});

test('a start in flight survives its daemon, whose successor can wait for it', async () => {
  await shim.connect();
  const gate = shim.path('gate');
  const request = shim.request('a', UNTIL_KILLED);
  const [runtime, pidFile] = request.argv;
  const script = `until [ -e ${gate} ]; do :; done; ${runtime} ${pidFile} '${UNTIL_KILLED}'`;
  const abandoned = shim.client.start({ ...request, argv: ['sh', '-c', script] });
  const failing = shim.request('b', '');
  const alsoAbandoned = shim.client.start({
    ...failing,
    argv: ['sh', '-c', `until [ -e ${gate} ]; do :; done; exit 3`],
  });
  // A reply to a later request: the shim has taken both starts.
  await shim.client.ack(keyOf('c'));
  const lost = [abandoned, alsoAbandoned].map((it) => expect(it).rejects.toMatchObject({ reason: 'lost' }));
  shim.client.close();
  await Promise.all(lost);

  const client = await shim.connect();
  expect(client.starting).toEqual([keyOf('a'), keyOf('b')]);
  const outcome = client.awaitStart(keyOf('a'));
  const failure = client.awaitStart(keyOf('b'));
  failure.catch(() => {});
  writeFileSync(gate, '');
  const { pid } = await outcome;
  expect(pid).toBe(Number(readFileSync(request.pidFile, 'utf8')));
  await expect(failure).rejects.toMatchObject({ reason: 'runtime', exitStatus: 3 });
  expect(await client.awaitStart(keyOf('a'))).toEqual(await outcome);
});

test('a daemon that connects takes over from the one before', async () => {
  const first = await shim.connect();
  await first.start(shim.request('a', UNTIL_KILLED));
  const second = await connectShim({
    socketPath: shim.path('shim.sock'),
    onExit: () => {},
    onLost: () => {},
  });
  await shim.loss();
  await expect(first.kill(keyOf('a'), 0)).rejects.toMatchObject({ reason: 'lost' });
  await second.kill(keyOf('a'), 0);
  second.close();
});

test('signals that end a daemon do not end the shim', async () => {
  const { pid } = await shim.connect();
  for (const signal of [15, 1, 2]) {
    kill(pid, signal);
  }
  expect((await shim.run(shim.request('a', 'exit 2'))).status).toBe(2);
});

test('a peer that does not keep to the contract is hung up on, and nobody else notices', async () => {
  await shim.connect();
  const noise = [
    Buffer.from(`GET / HTTP/1.1\r\nHost: ${'x'.repeat(100)}\r\n\r\n`),
    Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]),
    encodeFrame(1, { $case: 'kill', value: { key: keyOf('a'), signal: 9 } }),
    encodeFrame(1, { $case: 'done', value: {} }),
  ];
  for (const bytes of noise) {
    const peer = connect(shim.path('shim.sock'));
    peer.on('error', () => {});
    peer.write(bytes);
    await within(5_000, 'the hang-up', once(peer.resume(), 'close'));
  }
  expect((await shim.run(shim.request('a', 'exit 2'))).status).toBe(2);
});

test('a request that says not what it is about fails alone', async () => {
  await shim.connect();
  const key = undefined as unknown as ReturnType<typeof keyOf>;
  await expect(shim.client.kill(key, 9)).rejects.toThrow('says not which process');
  await expect(shim.client.start({ ...shim.request('a', ''), argv: [] })).rejects.toMatchObject({
    reason: 'spawn',
  });
  await expect(shim.client.start({ ...shim.request('a', ''), argv: ['a\0b'] })).rejects.toMatchObject({
    reason: 'spawn',
  });
  expect((await shim.run(shim.request('a', 'exit 2'))).status).toBe(2);
});
