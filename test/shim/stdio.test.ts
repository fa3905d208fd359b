import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { pendingBytes } from '../../src/linux/descriptor.ts';
import type { ShimStart } from '../../src/shim/client.ts';
import { descriptorsOf } from '../linux/descriptors.ts';
import { openReader, readAll } from '../linux/fifo-reader.ts';
import { leastOf } from '../linux/least-of.ts';
import { buildShim, ShimUnderTest } from './shim-under-test.ts';

const built = await buildShim();
afterAll(() => built.remove());

let shim: ShimUnderTest;
beforeEach(async () => {
  shim = new ShimUnderTest(built.program);
  await shim.connect();
});
afterEach(() => shim.end());

const keyOf = (container: string) => ({ container, process: 'init' });
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

function file(name: string, content: string | Buffer = ''): string {
  writeFileSync(shim.path(name), content);
  return shim.path(name);
}

function fifo(name: string): string {
  execFileSync('mkfifo', [shim.path(name)]);
  return shim.path(name);
}

const openDescriptors = (): number => descriptorsOf(() => true, shim.client.pid).length;

test('what a process writes is in its files by the time its exit is told', async () => {
  const [stdout, stderr] = [file('out'), file('err')];
  await shim.run(shim.request('a', 'echo to stdout; echo to stderr >&2', { stdout, stderr }));
  expect(readFileSync(stdout, 'utf8')).toBe('to stdout\n');
  expect(readFileSync(stderr, 'utf8')).toBe('to stderr\n');
});

test('a file is written from its start and not truncated', async () => {
  const stdout = file('out', '1234567890');
  await shim.run(shim.request('a', 'printf abc', { stdout }));
  expect(readFileSync(stdout, 'utf8')).toBe('abc4567890');
});

test('a file is written from its end where that is asked for, by both streams in turn where both lead to it', async () => {
  const stdout = file('out', 'before\n');
  const both = file('both', 'before\n');
  await shim.run(shim.request('a', 'echo out', { stdout, append: true }));
  await shim.run(shim.request('b', 'echo out; echo err >&2', { stdout: both, stderr: both, append: true }));
  expect(readFileSync(stdout, 'utf8')).toBe('before\nout\n');
  expect(readFileSync(both, 'utf8')).toMatch(/^before\n(out\nerr|err\nout)\n$/);
});

test('stdout and stderr may be one file, in which both keep the order of their writes', async () => {
  const both = file('both');
  const script = 'i=0; while [ $i -lt 500 ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done';
  await shim.run(shim.request('a', script, { stdout: both, stderr: both }));
  const lines = Array.from({ length: 500 }, (_, index) => `out ${index}\nerr ${index}\n`);
  expect(readFileSync(both, 'utf8')).toBe(lines.join(''));
});

/** What descriptors 0, 1 and 2 of a process are that is started with these paths. */
async function descriptors(paths: Partial<ShimStart>): Promise<string[]> {
  const { pid } = await shim.client.start(shim.request('a', 'exec sleep 600', paths));
  return [0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/\d+/, 'N'));
}

test('an empty path is /dev/null', async () => {
  expect(await descriptors({ stderr: file('err') })).toEqual(['/dev/null', '/dev/null', 'pipe:[N]']);
});

test('a process has pipes for its stdio, never the client’s file or FIFO', async () => {
  const paths = { stdin: fifo('in'), stdout: fifo('out'), stderr: file('err') };
  expect(await descriptors(paths)).toEqual(['pipe:[N]', 'pipe:[N]', 'pipe:[N]']);
});

test.each(['stdin', 'stdout', 'stderr'] as const)(
  'a %s that is missing is told before anything is started',
  async (stream) => {
    const request = shim.request('a', `echo > ${shim.path('started')}`, { [stream]: '/no/such/file' });
    await expect(shim.client.start(request)).rejects.toMatchObject({
      reason: 'stdio',
      errno: 2,
      message: 'open /no/such/file: no such file or directory',
    });
    expect(readdirSync(shim.stateDir)).not.toContain('started');
  },
);

test('a path that cannot be opened leaves no descriptor open, and what was opened before it is closed', async () => {
  const before = openDescriptors();
  const good = { stdin: fifo('in'), stdout: file('out') };
  symlinkSync(good.stdout, shim.path('link'));
  // Of procfs most files have no end.
  const endless = `/proc/${shim.client.pid}/comm`;
  const refused: [Partial<ShimStart>, string][] = [
    [{ ...good, stderr: '/no' }, 'no such file or directory'],
    [{ ...good, stderr: shim.path('link') }, 'too many levels of symbolic links'],
    [{ ...good, stderr: '/' }, 'is a directory'],
    [{ ...good, stdin: '/' }, 'is a directory'],
    [{ ...good, stderr: '/a\0b' }, 'invalid argument'],
    [{ ...good, stderr: endless, append: true }, `lseek ${endless}: invalid argument`],
  ];
  for (const [paths, words] of refused) {
    await expect(shim.client.start(shim.request('a', 'exit 0', paths))).rejects.toMatchObject({
      reason: 'stdio',
      message: expect.stringContaining(words),
    });
  }
  await shim.run(shim.request('a', 'exit 0'));
  await expect.poll(openDescriptors).toBeLessThanOrEqual(before);
});

test('24 MB reach a slow reader of a FIFO bit for bit', async () => {
  const content = randomBytes(24 * 1024 * 1024);
  const stdout = fifo('out');
  const reader = readAll(openReader(stdout), 1);
  await shim.client.start(shim.request('a', `exec cat ${file('content', content)}`, { stdout }));
  expect(sha256(await reader)).toBe(sha256(content));
  expect((await shim.exit(keyOf('a'))).status).toBe(0);
});

test('24 MB reach a file bit for bit', async () => {
  const content = randomBytes(24 * 1024 * 1024);
  const stdout = file('out');
  await shim.run(shim.request('a', `exec cat ${file('content', content)}`, { stdout }));
  expect(sha256(readFileSync(stdout))).toBe(sha256(content));
});

test('24 MB of a file, or of a FIFO, come out of stdin, and then its end', async () => {
  const content = randomBytes(24 * 1024 * 1024);
  const stdout = file('out');
  await shim.run(shim.request('a', 'sha256sum', { stdin: file('content', content), stdout }));
  expect(readFileSync(stdout, 'utf8')).toBe(`${sha256(content)}  -\n`);

  const stdin = fifo('in');
  await shim.client.start(shim.request('b', 'sha256sum', { stdin, stdout }));
  execFileSync('sh', ['-c', `cat ${shim.path('content')} > ${stdin}`]);
  await shim.exit(keyOf('b'));
  expect(readFileSync(stdout, 'utf8')).toBe(`${sha256(content)}  -\n`);
});

test('stdin ends when the client closes it, not before a client has come', async () => {
  const [stdin, stdout] = [fifo('in'), file('out')];
  await shim.client.start(
    shim.request('a', 'read line; echo "got $line"; read line; echo "end $?"', { stdin, stdout }),
  );
  const writer = openSync(stdin, 'w');
  writeSync(writer, 'one\n');
  closeSync(writer);
  await shim.exit(keyOf('a'));
  expect(readFileSync(stdout, 'utf8')).toBe('got one\nend 1\n');
});

test('closing stdin by request passes on what has been sent, though the client keeps its end open', async () => {
  const [stdin, stdout] = [fifo('in'), file('out')];
  const writer = openSync(stdin, 'r+');
  await shim.client.start(shim.request('a', 'cat; echo end', { stdin, stdout }));
  writeSync(writer, 'some words\n');
  await shim.client.update(keyOf('a'), { closeStdin: true });
  await shim.exit(keyOf('a'));
  expect(readFileSync(stdout, 'utf8')).toBe('some words\nend\n');
  closeSync(writer);
});

test('closing stdin that nobody has written to ends it too', async () => {
  const [stdin, stdout] = [fifo('in'), file('out')];
  await shim.client.start(shim.request('a', 'cat; echo end', { stdin, stdout }));
  await shim.client.update(keyOf('a'), { closeStdin: true });
  await shim.exit(keyOf('a'));
  expect(readFileSync(stdout, 'utf8')).toBe('end\n');
});

test('closing stdin passes on all that has been sent, though the process reads it only later', async () => {
  const [stdin, stdout, gate] = [fifo('in'), file('out'), fifo('gate')];
  const writer = openSync(stdin, 'r+');
  await shim.client.start(shim.request('a', `read line < ${gate}; wc -c`, { stdin, stdout }));
  // As much as the process's pipe holds, and then as much in the FIFO.
  writeSync(writer, Buffer.alloc(65_536));
  await expect.poll(() => pendingBytes(writer)).toBe(0);
  writeSync(writer, Buffer.alloc(65_536));
  await shim.client.update(keyOf('a'), { closeStdin: true });
  writeFileSync(gate, 'go on\n');
  await shim.exit(keyOf('a'));
  expect(readFileSync(stdout, 'utf8')).toBe('131072\n');
  closeSync(writer);
});

test('FIFOs that nobody opens delay neither a start nor an exit', async () => {
  const streams = { stdin: fifo('in'), stdout: fifo('out'), stderr: fifo('err') };
  const run = () => shim.run(shim.request('a', 'echo unheard; exit 3', streams));
  expect(await leastOf(5, run)).toBeLessThan(900);
});

test('what a process wrote into a FIFO is there for a reader that comes after its exit', async () => {
  const stdout = fifo('out');
  await shim.run(shim.request('a', 'echo late', { stdout }));
  const reader = createReadStream(stdout);
  const pieces: Buffer[] = [];
  for await (const piece of reader) {
    pieces.push(piece);
  }
  expect(Buffer.concat(pieces).toString()).toBe('late\n');
});

test('a reader that does not read delays an exit by about a second, loses nothing, and no other process notices', async () => {
  const content = randomBytes(200_000);
  const stdout = fifo('out');
  const reader = openReader(stdout);
  // 64 KiB in the FIFO, as many in the pipe: the process waits for its reader, as it would on a terminal.
  await shim.client.start(shim.request('a', `cat ${file('content', content)}`, { stdout }));
  expect((await shim.run(shim.request('b', 'exit 4'))).status).toBe(4);
  await shim.client.kill(keyOf('a'), 9);
  const { status, timestamp } = await shim.exit(keyOf('a'));
  expect(status).toBe(128 + 9);
  expect(Date.now() - Number(timestamp / 1_000_000n)).toBeLessThan(2_000);
  await shim.client.ack(keyOf('a'));
  const read = await readAll(reader);
  expect(content.subarray(0, read.length).equals(read)).toBe(true);
  expect(read.length).toBeGreaterThan(100_000);
});

test('a grandchild that keeps stdout open does not hold the exit, and is heard to its end', async () => {
  const heard: (() => Promise<void>)[] = [];
  const run = async (n: number) => {
    const [stdout, gate] = [fifo(`out-${n}`), fifo(`gate-${n}`)];
    const reader = readAll(openReader(stdout));
    const script = `(read line < ${gate}; echo "grandchild $line") & echo parent; exit 5`;
    expect((await shim.run(shim.request('a', script, { stdout }))).status).toBe(5);
    heard.push(async () => {
      writeFileSync(gate, 'heard\n');
      expect((await reader).toString()).toBe('parent\ngrandchild heard\n');
    });
  };
  expect(await leastOf(3, run)).toBeLessThan(900);
  for (const hear of heard) await hear();
});

test('a disk that is full costs the process its output, not its life', async () => {
  expect(
    (await shim.run(shim.request('a', 'yes | head -c 1000000; exit 7', { stdout: '/dev/full' }))).status,
  ).toBe(7);
  expect(readFileSync(shim.path('shim.log'), 'utf8')).toContain('no space left on device');
});

test('devices are read and written like files', async () => {
  const stdout = file('out');
  await shim.run(shim.request('a', 'head -c 3 | od -An -tx1', { stdin: '/dev/zero', stdout }));
  expect(readFileSync(stdout, 'utf8')).toBe(' 00 00 00\n');
  await shim.run(shim.request('b', 'wc -c', { stdin: '/dev/null', stdout }));
  expect(readFileSync(stdout, 'utf8')).toMatch(/^0\n/);
});

test('stdin is heard by a child that outlives its process, and closed once that has ended too', async () => {
  const [stdin, stdout, gate] = [fifo('in'), file('out'), fifo('gate')];
  const isOpen = (): boolean => descriptorsOf((target) => target === stdin, shim.client.pid).length > 0;
  const script = `exec 3<&0; (read word; echo "heard $word"; read line < ${gate}) <&3 &`;
  const writer = openSync(stdin, 'r+');
  await shim.run(shim.request('a', script, { stdin, stdout }));
  writeSync(writer, 'this\n');
  await expect.poll(() => readFileSync(stdout, 'utf8')).toBe('heard this\n');
  expect(isOpen()).toBe(true);
  writeFileSync(gate, 'end\n');
  await expect.poll(isOpen).toBe(false);
  closeSync(writer);
});

test('nothing stays open of a process that has come and gone', async () => {
  await shim.run(shim.request('warm-up', 'exit 0', { stdout: file('warm-up') }));
  const before = openDescriptors();
  for (const name of ['a', 'b', 'c']) {
    const streams = { stdin: fifo(`${name}.in`), stdout: fifo(`${name}.out`), stderr: file(`${name}.err`) };
    const reader = readAll(openReader(streams.stdout));
    await shim.run(shim.request(name, 'echo out; echo err >&2', streams));
    expect((await reader).toString()).toBe('out\n');
  }
  await shim.run(shim.request('last', 'exit 0'));
  await expect.poll(openDescriptors).toBeLessThanOrEqual(before);
});
