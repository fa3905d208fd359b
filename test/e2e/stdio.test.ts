import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { percentile } from '../../bench/row.ts';
import { makeFifo } from '../../src/linux/fifo.ts';
import { openReader, readAll } from '../linux/fifo-reader.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { type EventStream, failureOf, TestDaemon } from './fixtures/daemon.ts';
import { Runner } from './fixtures/run.ts';

const KILL = 9;
const NS_PER_MS = 1_000_000n;
/** The shim waits as long for output that nobody takes; an exit that is told sooner has not waited. */
const DELIVERY_MS = 1_000;
const MEGABYTES_24 = 24 * 1024 * 1024;

let bundles: Bundles;
let daemon: TestDaemon;
let events: EventStream;
let runner: Runner;
/** A container for processes beside its init. */
const box = `box-${process.pid}`;

beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start();
  events = await daemon.events({ types: ['start', 'exec', 'exit'] });
  runner = await Runner.on(daemon, events);
  await daemon.create(box, await bundles.make('box'));
});
afterAll(async () => {
  await daemon?.remove();
  await runner?.remove();
  await bundles?.remove();
});

type Stdio = { stdin?: string; stdout?: string; stderr?: string };
type Started = { id: string; pid: number };

let inits = 0;
/** Starts a shell script: as init of a container of its own, and beside the init of another. */
const ways: Record<string, (script: string, stdio: Stdio) => Promise<Started>> = {
  async init(script, stdio) {
    const id = `init-${process.pid}-${++inits}`;
    const bundle = await bundles.make(id, { args: ['sh', '-c', script] });
    return { id, ...(await daemon.create(id, bundle, stdio)) };
  },
  async exec(script, stdio) {
    return { id: box, ...(await daemon.exec(box, ['sh', '-c', script], stdio)) };
  },
};
const exitOf = ({ id, pid }: Started) => events.exit(id, pid);
const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');

/** How long after the kernel's word of an end its event has come. */
async function delayMs(started: Started): Promise<number> {
  const { timestamp } = await exitOf(started);
  return Date.now() - Number(timestamp / NS_PER_MS);
}

describe.each(Object.keys(ways))('%s', (way) => {
  const start = (script: string, stdio: Stdio = {}) => {
    const run = ways[way];
    if (run === undefined) throw new Error(way);
    return run(script, stdio);
  };
  const end = async (started: Started) => {
    await daemon.signal(started.id, KILL, started.pid);
    await exitOf(started);
  };

  it('reads and writes files', async () => {
    const stdin = await runner.file('first\nsecond\n');
    const [stdout, stderr] = [await runner.file(), await runner.file()];
    const started = await start('cat; echo wrong >&2; exit 3', { stdin, stdout, stderr });
    expect((await exitOf(started)).status).toBe(3);
    expect(await runner.read(stdout)).toBe('first\nsecond\n');
    expect(await runner.read(stderr)).toBe('wrong\n');
  });

  it('reads and writes FIFOs, until the end of each', async () => {
    const stdin = runner.fifo();
    const [stdout, stderr] = [runner.fifo(), runner.fifo()];
    const [out, err] = [readAll(openReader(stdout)), readAll(openReader(stderr))];
    const started = await start('cat; echo wrong >&2; exit 4', { stdin, stdout, stderr });
    await writeFile(stdin, 'first\n');
    expect((await exitOf(started)).status).toBe(4);
    expect(String(await out)).toBe('first\n');
    expect(String(await err)).toBe('wrong\n');
  });

  it('has /dev/null where a path is empty', async () => {
    const started = await start('exec sleep 1000');
    const ends = await Promise.all([0, 1, 2].map((fd) => readlink(`/proc/${started.pid}/fd/${fd}`)));
    expect(ends).toEqual(['/dev/null', '/dev/null', '/dev/null']);
    await end(started);
  });

  for (const stream of ['stdin', 'stdout', 'stderr'] as const) {
    it(`is not started where the path of ${stream} is missing`, async () => {
      const containers = await daemon.containers();
      const told = events.seen.length;
      const missing = path.join(runner.folder, 'missing');
      expect(await failureOf(start('exit 0', { [stream]: missing }))).toEqual({
        code: 'NOT_FOUND',
        message: `open ${missing}: no such file or directory`,
      });
      expect(await daemon.containers()).toEqual(containers);
      expect(await daemon.runcContainers()).toEqual([box]);
      expect(events.seen).toHaveLength(told);
    });
  }

  it('has all that it wrote in its file before its exit is told', async () => {
    const stdout = await runner.file();
    const started = await start('seq 1 200000', { stdout });
    await exitOf(started);
    const lines = Array.from({ length: 200_000 }, (_, n) => `${n + 1}\n`);
    expect((await runner.read(stdout)) === lines.join('')).toBe(true);
  });

  it('writes a file from its start, over what was in it', async () => {
    const stdout = await runner.file('1234567890');
    await exitOf(await start('printf abc', { stdout }));
    expect(await runner.read(stdout)).toBe('abc4567890');
  });

  it('keeps the order of what goes to stdout and stderr where both are one path', async () => {
    const script = 'for n in $(seq 1 500); do echo "out $n"; echo "err $n" >&2; done';
    const expected = Array.from({ length: 500 }, (_, n) => `out ${n + 1}\nerr ${n + 1}\n`).join('');
    const file = await runner.file();
    await exitOf(await start(script, { stdout: file, stderr: file }));
    expect(await runner.read(file)).toBe(expected);

    const fifo = runner.fifo();
    const read = readAll(openReader(fifo));
    await exitOf(await start(script, { stdout: fifo, stderr: fifo }));
    expect(String(await read)).toBe(expected);
  });

  it('comes to the end of stdin once the client has closed it', async () => {
    const [stdin, stdout] = [runner.fifo(), await runner.file()];
    const started = await start('while read line; do echo "<$line>"; done; echo end', { stdin, stdout });
    const client = await open(stdin, 'w');
    await client.write('one\n');
    await expect.poll(() => runner.read(stdout)).toBe('<one>\n');
    await client.write('two\n');
    await client.close();
    expect((await exitOf(started)).status).toBe(0);
    expect(await runner.read(stdout)).toBe('<one>\n<two>\nend\n');
  });

  it('comes to the end of stdin by request, though the client keeps its end open', async () => {
    const [stdin, stdout] = [runner.fifo(), await runner.file()];
    const started = await start('cat; echo end', { stdin, stdout });
    const client = await open(stdin, 'r+');
    await client.write('some words\n');
    await daemon.call('updateProcess', { ...started, closeStdin: true });
    expect((await exitOf(started)).status).toBe(0);
    expect(await runner.read(stdout)).toBe('some words\nend\n');
    await client.close();
  });

  it('loses nothing to a slow reader, nor to a slow writer: 24 MB bit for bit', async () => {
    const content = randomBytes(MEGABYTES_24);
    const [stdin, stdout] = [await runner.file(content), runner.fifo()];
    const read = readAll(openReader(stdout), 1);
    const started = await start('cat', { stdin, stdout });
    expect(md5(await read)).toBe(md5(content));
    expect((await exitOf(started)).status).toBe(0);

    const [slow, sum] = [runner.fifo(), await runner.file()];
    const summed = await start('md5sum', { stdin: slow, stdout: sum });
    await writeFile(slow, createReadStream(stdin, { highWaterMark: 8 * 1024 }));
    await exitOf(summed);
    expect(await runner.read(sum)).toBe(`${md5(content)}  -\n`);
  });

  it('is not delayed by FIFOs that nobody opens', async () => {
    const stdio = { stdin: runner.fifo(), stdout: runner.fifo(), stderr: runner.fifo() };
    const started = await start('echo unheard; echo unheard >&2; exit 5', stdio);
    expect(await delayMs(started)).toBeLessThan(DELIVERY_MS);
    expect((await exitOf(started)).status).toBe(5);
  });

  it('blocks on its own output alone where nobody reads: others go on', async () => {
    const stdout = runner.fifo();
    const reader = openReader(stdout);
    const started = await start('yes', { stdout });
    expect(await runner.sh(box, 'echo free')).toMatchObject({ status: 0, output: 'free\n' });
    await daemon.signal(started.id, KILL, started.pid);
    expect((await exitOf(started)).status).toBe(128 + KILL);
    expect((await readAll(reader)).length).toBeGreaterThan(64 * 1024);
  });
});

describe('a child that keeps stdout open after its parent has ended', () => {
  it('does not hold the exit of a process beside init, and is heard to its end', async () => {
    const stdout = await runner.file();
    const gate = path.join(bundles.folder, 'rootfs/data/gate');
    makeFifo(gate, 0o600);
    const script = '(read word < /data/gate; echo "child $word") & echo parent; exit 6';
    const started = { id: box, ...(await daemon.exec(box, ['sh', '-c', script], { stdout })) };
    expect(await delayMs(started)).toBeLessThan(DELIVERY_MS);
    expect((await exitOf(started)).status).toBe(6);
    expect(await runner.read(stdout)).toBe('parent\n');
    await writeFile(gate, 'heard\n');
    await expect.poll(() => runner.read(stdout)).toBe('parent\nchild heard\n');
  });

  it('does not hold the exit of init', async () => {
    const id = `orphans-${process.pid}`;
    const stdout = await runner.file();
    // Without a pid namespace of its own nothing dies because init does.
    const bundle = await bundles.make(id, {
      args: ['sh', '-c', 'sleep 1000 & echo parent; exit 7'],
      namespaces: ['uts'],
    });
    const { pid } = await daemon.create(id, bundle, { stdout });
    expect((await events.exit(id, pid)).status).toBe(7);
    expect(await readFile(stdout, 'utf8')).toBe('parent\n');
  });
});

it('what containers print at full speed holds up no other request', async () => {
  const megabytes = 60;
  const files = [await runner.file(), await runner.file()];
  const printed = files.map((stdout) =>
    runner.exec(box, ['dd', 'if=/dev/zero', 'bs=1M', `count=${megabytes}`], { stdout, stderr: '' }),
  );
  let running = true;
  const all = Promise.all(printed).finally(() => {
    running = false;
  });
  const tookMs: number[] = [];
  while (running) {
    const start = performance.now();
    await daemon.containers();
    tookMs.push(performance.now() - start);
  }
  for (const { status } of await all) expect(status).toBe(0);
  for (const file of files) expect((await stat(file)).size).toBe(megabytes * 1024 * 1024);
  // `npm run bench:output` has the figures of a machine at rest; this one may be busy.
  expect(percentile(tookMs, 0.9)).toBeLessThan(1_000);
});
