import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { setNonblocking, writeNow } from '../../src/linux/descriptor.ts';
import { openPty } from '../../src/linux/pty.ts';
import { descriptorLimit, setDescriptorLimit } from '../../src/linux/rlimit.ts';
import { setWindowSize, windowSize } from '../../src/linux/terminal.ts';
import { openConsole } from '../../src/shim/stdio/console.ts';
import { ClientTerminal } from '../linux/client-terminal.ts';
import { descriptorsOf } from '../linux/descriptors.ts';
import { readAll } from '../linux/fifo-reader.ts';
import { leastOf } from '../linux/least-of.ts';
import { sendDescriptors } from '../linux/send-descriptor.ts';
import { deleteContainer, execRequest, makeBundle, runRequest } from './bundle.ts';
import { BOX, buildShim, ShimUnderTest } from './shim-under-test.ts';

const built = await buildShim();
afterAll(() => built.remove());

let shim: ShimUnderTest;
let terminal: ClientTerminal;
beforeEach(async () => {
  shim = new ShimUnderTest(built.program);
  await shim.connect();
  terminal = new ClientTerminal();
});
afterEach(async () => {
  deleteContainer(shim, BOX);
  terminal.close();
  await shim.end();
});

const key = { container: BOX, process: 'init' };
const consoleOf = (path: string) => ({ console: path, consoleSocket: shim.path('console.sock') });

function start(script: string): Promise<{ pid: number }> {
  const bundle = makeBundle(shim.path('bundle'), script, { terminal: true });
  return shim.client.start(runRequest(shim, BOX, bundle, consoleOf(terminal.path)));
}

test('what is typed and printed goes through the client’s terminal, once', async () => {
  await start('tty; echo "name?"; read name; echo "hello $name"');
  await terminal.shows('name?');
  terminal.type('world\r');
  expect((await shim.exit(key)).status).toBe(0);
  await terminal.shows('hello world');
  // Echoed by the container's terminal; the client's, which is raw, adds nothing.
  expect(terminal.seen).toBe('/dev/pts/0\r\nname?\r\nworld\r\nhello world\r\n');
});

test('all that a process printed has been passed on when its exit is told', async () => {
  await start('i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done; exit 3');
  expect((await shim.exit(key)).status).toBe(3);
  await terminal.shows('line 2999\r\n');
  expect(terminal.seen).toBe(Array.from({ length: 3000 }, (_, index) => `line ${index}\r\n`).join(''));
});

test('the terminal has the client’s size from the first', async () => {
  terminal.resize(132, 43);
  await start('stty size');
  await terminal.shows('43 132\r\n');
});

test('the terminal has the client’s size though it comes with another, as a restored one does', async () => {
  terminal.resize(132, 43);
  const gate = shim.path('gate');
  execFileSync('mkfifo', [gate]);
  const request = shim.request(BOX, 'sleep 600', consoleOf(terminal.path));
  const started = shim.client.start({
    ...request,
    argv: ['sh', '-c', `read on <${gate}; exec "$@"`, 'sh', ...request.argv],
  });
  // This is what CRIU does: the terminal is handed over before it gets the size that it had.
  const { master } = openPty();
  await vi.waitFor(() => sendDescriptors(request.consoleSocket, master), { timeout: 10_000 });
  await expect.poll(() => windowSize(master)).toEqual({ width: 132, height: 43 });
  setWindowSize(master, { width: 80, height: 24 });
  writeFileSync(gate, 'on\n');
  await started;
  expect(windowSize(master)).toEqual({ width: 132, height: 43 });
  closeSync(master);
  await shim.client.kill(key, 9);
  await shim.exit(key);
});

test('a new size of the client’s terminal arrives within a second, or at once by request', async () => {
  await start('trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done');
  await terminal.shows('ready');
  await shim.client.update(key, { width: 100, height: 30 });
  await terminal.shows('30 100\r\n');
  expect(
    await leastOf(3, async (n) => {
      terminal.resize(90, 20 + n);
      await terminal.shows(`${20 + n} 90\r\n`);
    }),
  ).toBeLessThan(1_500);
});

test('a signal typed at the terminal reaches the process', async () => {
  await start('trap "echo caught; exit 4" INT; echo ready; while :; do sleep 0.05; done');
  await terminal.shows('ready');
  terminal.type('\x03');
  await terminal.shows('caught');
  expect((await shim.exit(key)).status).toBe(4);
});

test('closing stdin is the end of the terminal’s input', async () => {
  await start('echo ready; cat; echo end');
  await terminal.shows('ready');
  terminal.type('a line\r');
  await terminal.shows('a line\r\na line\r\n');
  await shim.client.update(key, { closeStdin: true });
  await terminal.shows('end');
  expect((await shim.exit(key)).status).toBe(0);
});

/** What has begun with a terminal of the test's own, which somebody has open, and what has been lost of it. */
async function begunConsole(typed = '') {
  const [stdin, stdout] = [shim.path('in'), shim.path('out')];
  writeFileSync(stdin, typed);
  writeFileSync(stdout, '');
  const losses: unknown[] = [];
  const stdio = await openConsole({ ...consoleOf(''), stdin, stdout, append: false }, (_, error) => {
    losses.push(error);
  });
  stdio.handedOver();
  const { master, path } = openPty();
  setNonblocking(master);
  const slave = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  sendDescriptors(shim.path('console.sock'), master);
  stdio.prepare();
  const onEnd = vi.fn();
  return { stdio, master, slave, stdout, losses, onEnd };
}

test('closing stdin ends the terminal’s input after a line that is not finished too', async () => {
  const { stdio, master, slave } = await begunConsole('unfinished');
  stdio.begin(() => {});
  stdio.closeStdin();
  expect(String(await readAll(slave))).toBe('unfinished');
  closeSync(master);
});

const LINE = Buffer.from('a line\n');

test('closing stdin ends the input of a terminal that has no room for it yet', async () => {
  const { stdio, master, slave } = await begunConsole();
  stdio.begin(() => {});
  let typed = 0;
  const fill = (): number => {
    const before = typed;
    for (let more: number | undefined = 0; more !== undefined; more = writeNow(master, LINE)) typed += more;
    return typed - before;
  };
  // The kernel makes room by taking up what it has been given.
  await expect.poll(fill).toBe(0);
  stdio.closeStdin();
  expect(await readAll(slave)).toHaveLength(typed);
  closeSync(master);
});

test('a terminal to which there is no descriptor to type is heard all the same', async () => {
  const { stdio, master, slave, stdout, losses, onEnd } = await begunConsole();
  const limit = descriptorLimit();
  setDescriptorLimit({ ...limit, soft: 3n });
  try {
    stdio.begin(onEnd);
  } finally {
    setDescriptorLimit(limit);
  }
  expect(losses).toEqual([expect.objectContaining({ code: 'EMFILE' })]);
  writeNow(slave, Buffer.from('words\n'));
  [slave, master].forEach(closeSync);
  await vi.waitFor(() => expect(onEnd).toHaveBeenCalledOnce());
  expect(readFileSync(stdout, 'utf8')).toBe('words\r\n');
});

test('a client that hangs up leaves its process running', async () => {
  await start('echo ready; while :; do echo "still here"; sleep 0.05; done');
  await terminal.shows('still here');
  terminal.close();
  await shim.client.update(key, { width: 10, height: 10 });
  const out = shim.path('out');
  writeFileSync(out, '');
  expect(
    (await shim.run(execRequest(shim, BOX, 'exec-1', ['/bin/echo', 'yes'], { stdout: out }))).status,
  ).toBe(0);
  await shim.client.kill(key, 0);
  await shim.client.kill(key, 9);
  expect((await shim.exit(key)).status).toBe(128 + 9);
  terminal = new ClientTerminal();
});

test('an exec can have a terminal while its container has none', async () => {
  await shim.client.start(runRequest(shim, BOX, makeBundle(shim.path('bundle'), 'sleep 600')));
  const request = execRequest(
    shim,
    BOX,
    'exec-1',
    ['/bin/sh', '-c', 'tty; read word; echo "got $word"'],
    consoleOf(terminal.path),
  );
  await shim.client.start(request);
  await terminal.shows('/dev/pts/');
  terminal.type('it\r');
  await shim.exit(request.key);
  await terminal.shows('got it\r\n');
});

test('a terminal without a console prints to stdout and hears stdin', async () => {
  const [stdin, stdout] = [shim.path('in'), shim.path('out')];
  writeFileSync(stdin, 'typed\n');
  writeFileSync(stdout, '');
  const bundle = makeBundle(shim.path('bundle'), 'read word; echo "heard $word"', { terminal: true });
  const { consoleSocket } = consoleOf('');
  await shim.run(runRequest(shim, BOX, bundle, { stdin, stdout, consoleSocket }));
  expect(readFileSync(stdout, 'utf8')).toBe('typed\r\nheard typed\r\n');
});

test('a console that is missing or no terminal is told before anything is started', async () => {
  const request = (path: string) => shim.request(BOX, `echo > ${shim.path('started')}`, consoleOf(path));
  await expect(shim.client.start(request('/dev/pts/none'))).rejects.toMatchObject({
    reason: 'stdio',
    errno: 2,
    message: 'open /dev/pts/none: no such file or directory',
  });
  writeFileSync(shim.path('file'), '');
  await expect(shim.client.start(request(shim.path('file')))).rejects.toMatchObject({
    reason: 'stdio',
    errno: 25,
  });
  const tooLong = { console: terminal.path, consoleSocket: shim.path('x'.repeat(200)) };
  await expect(shim.client.start(shim.request(BOX, '', tooLong))).rejects.toMatchObject({
    reason: 'stdio',
    errno: 36,
  });
  expect(readdirSync(shim.stateDir)).not.toContain('started');
});

test('a runtime that sends something else in the place of a terminal costs its process the stdio, and nobody else anything', async () => {
  const request = shim.request(BOX, 'exit 3', consoleOf(terminal.path));
  const gate = shim.path('gate');
  execFileSync('mkfifo', [gate]);
  const started = shim.client.start({
    ...request,
    argv: ['sh', '-c', `read on <${gate}; exec "$@"`, 'sh', ...request.argv],
  });
  const file = openSync(shim.path('file'), 'w+');
  await vi.waitFor(() => sendDescriptors(request.consoleSocket, file), { timeout: 10_000 });
  closeSync(file);
  writeFileSync(gate, 'on\n');
  await started;
  expect((await shim.exit(key)).status).toBe(3);
  expect(readFileSync(shim.path('shim.log'), 'utf8')).toContain('the runtime has sent no terminal');
});

test('a runtime that fails says why, though its process was to have a terminal', async () => {
  const request = shim.request(BOX, '', consoleOf(terminal.path));
  await expect(
    shim.client.start({ ...request, argv: ['sh', '-c', 'echo words >&2; exit 1'] }),
  ).rejects.toMatchObject({ reason: 'runtime', output: 'words\n' });
});

test('nothing stays open of a terminal that has come and gone', async () => {
  // The shim's copy of runc stays.
  const open = (): number => descriptorsOf((target) => !target.startsWith('/memfd:'), shim.client.pid).length;
  const before = open();
  await start('echo done');
  await shim.exit(key);
  await shim.client.ack(key);
  await terminal.shows('done');
  deleteContainer(shim, BOX);
  await shim.run(shim.request('last', 'exit 0'));
  await expect.poll(open).toBeLessThanOrEqual(before);
  expect(readdirSync(shim.stateDir)).not.toContain('console.sock');
});
