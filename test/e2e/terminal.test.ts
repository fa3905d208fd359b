import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ClientTerminal } from '../linux/client-terminal.ts';
import { leastOf } from '../linux/least-of.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { type EventStream, failureOf, TestDaemon } from './fixtures/daemon.ts';
import { countDescriptors, shimPidOf } from './fixtures/host.ts';
import { Runner } from './fixtures/run.ts';

const [INT, KILL] = [2, 9];
const CTRL_C = '\x03';
const CTRL_Z = '\x1a';
const ESCAPE = '\x1b';
const ENV = ['PATH=/bin', 'TERM=xterm', 'PS1=> '];

let bundles: Bundles;
let daemon: TestDaemon;
let events: EventStream;
let runner: Runner;
let terminal: ClientTerminal;
/** A container for processes beside its init, which has no terminal. */
const box = `box-${process.pid}`;

beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start();
  events = await daemon.events();
  runner = await Runner.on(daemon, events);
  await daemon.create(box, await bundles.make('box'));
});
afterAll(async () => {
  await daemon?.remove();
  await runner?.remove();
  await bundles?.remove();
});
beforeEach(() => {
  terminal = new ClientTerminal({ width: 90, height: 30 });
});
afterEach(() => terminal.close());

type Started = { id: string; pid: number };
const exitOf = ({ id, pid }: Started) => events.exit(id, pid);

let inits = 0;
/** Starts a process on the client's terminal: as init of a container of its own, and beside the init of another. */
const ways: Record<string, (args: string[]) => Promise<Started>> = {
  async init(args) {
    const id = `init-${process.pid}-${++inits}`;
    const bundle = await bundles.make(id, { args, terminal: true, env: ENV });
    return { id, ...(await daemon.create(id, bundle, { console: terminal.path })) };
  },
  async exec(args) {
    const { pid } = await daemon.exec(box, args, { terminal: true, console: terminal.path, env: ENV });
    return { id: box, pid };
  },
};

describe.each(Object.keys(ways))('%s on a terminal', (way) => {
  const start = (...args: string[]) => {
    const run = ways[way];
    if (run === undefined) throw new Error(way);
    return run(args);
  };
  /** Starts a shell that a person could type at. */
  const shell = async () => {
    const started = await start('sh', '-i');
    await terminal.shows('> ');
    return started;
  };

  it('hears what is typed and is seen to print, each once, and ends with its status', async () => {
    const started = await start('sh', '-c', 'tty; echo "name?"; read name; echo "hello $name"; exit 3');
    await terminal.shows('name?');
    const process = (await daemon.container(started.id))?.processes.find(({ pid }) => pid === started.pid);
    expect(process?.terminal).toBe(true);
    terminal.type('world\r');
    expect((await exitOf(started)).status).toBe(3);
    await terminal.shows('hello world\r\n');
    // The echo is the container's own: the client's terminal is raw and adds nothing.
    expect(terminal.seen).toMatch(/^\/dev\/pts\/\d+\r\nname\?\r\nworld\r\nhello world\r\n$/);
  });

  it('has the size of the client’s terminal from the first', async () => {
    terminal.resize(132, 43);
    await exitOf(await start('stty', 'size'));
    await terminal.shows('43 132\r\n');
  });

  it('is told at once of a size that a request sets, and within a second of one that the client’s has', async () => {
    const started = await start(
      'sh',
      '-c',
      'trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done',
    );
    await terminal.shows('ready');
    await daemon.call('updateProcess', { ...started, width: 100, height: 31 });
    await terminal.shows('31 100\r\n');
    expect(
      await leastOf(3, async (n) => {
        terminal.resize(70, 20 + n);
        await terminal.shows(`${20 + n} 70\r\n`);
      }),
    ).toBeLessThan(1_500);
    await daemon.signal(started.id, KILL, started.pid);
    await exitOf(started);
  });

  it('passes Ctrl-C to the job in front, and the shell goes on', async () => {
    const started = await shell();
    // The job itself says that it is in front; what is typed is not what it prints.
    terminal.type(`sh -c 'echo be""gun; exec sleep 1000'\r`);
    await terminal.shows('begun\r\n');
    terminal.type(CTRL_C);
    await terminal.shows(/\^C.*> /s);
    terminal.type('echo "status $?"\r');
    await terminal.shows(`status ${128 + INT}\r\n`);
    terminal.type('exit 5\r');
    expect((await exitOf(started)).status).toBe(5);
  });

  it('has job control: a job is stopped, and brought to the front again', async () => {
    const started = await shell();
    terminal.type(`sh -c 'trap "echo res""umed" CONT; echo be""gun; while :; do sleep 0.05; done'\r`);
    await terminal.shows('begun\r\n');
    terminal.type(CTRL_Z);
    await terminal.shows('Stopped');
    terminal.type('fg\r');
    await terminal.shows('resumed\r\n');
    terminal.type(CTRL_C);
    await terminal.shows(/\^C.*> /s);
    terminal.type('echo "status $?"\r');
    await terminal.shows(`status ${128 + INT}\r\n`);
    terminal.type('exit\r');
    await exitOf(started);
  });

  it('can edit a file on the whole screen', async () => {
    const started = await start('sh', '-c', 'vi /tmp/note && echo "--$(cat /tmp/note)--"');
    await terminal.shows('~');
    // The last line tells the name once the screen is drawn.
    await terminal.shows('/tmp/note');
    terminal.type('iwritten in vi');
    await terminal.shows('written in vi');
    terminal.type(ESCAPE);
    // What follows at once would be taken for one key.
    await terminal.shows(/written in vi.*- \/tmp\/note/s);
    terminal.type(':wq\r');
    await terminal.shows('--written in vi--\r\n');
    expect((await exitOf(started)).status).toBe(0);
    await terminal.shows('--written in vi--\r\n');
  });

  it('prints 10 MB of which nothing is lost', async () => {
    const lines = 1_400_000;
    const started = await start('sh', '-c', `seq 1 ${lines}; exit 6`);
    expect((await exitOf(started)).status).toBe(6);
    const expected = Array.from({ length: lines }, (_, n) => `${n + 1}\r\n`).join('');
    expect(expected.length).toBeGreaterThan(10_000_000);
    await expect.poll(() => terminal.seen.length).toBe(expected.length);
    expect(md5(terminal.seen)).toBe(md5(expected));
  });

  it('goes on where the client has hung up, and can be ended', async () => {
    const started = await start('sh', '-c', 'while :; do echo "still here"; sleep 0.02; done');
    await terminal.shows('still here');
    terminal.close();
    terminal = new ClientTerminal();
    expect(await runner.sh(box, 'echo free')).toMatchObject({ status: 0, output: 'free\n' });
    await daemon.signal(started.id, 0, started.pid);
    await daemon.signal(started.id, KILL, started.pid);
    expect((await exitOf(started)).status).toBe(128 + KILL);
  });

  it('ends its input by request', async () => {
    const started = await start('sh', '-c', 'echo ready; cat; echo end');
    await terminal.shows('ready');
    await daemon.call('updateProcess', { ...started, closeStdin: true });
    expect((await exitOf(started)).status).toBe(0);
    await terminal.shows('end\r\n');
  });
});

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

describe('a console', () => {
  it('makes a terminal of it even where the request does not say so', async () => {
    const { pid } = await daemon.exec(box, ['tty'], { console: terminal.path });
    await events.exit(box, pid);
    await terminal.shows(/^\/dev\/pts\/\d+\r\n$/);
  });

  it('that is missing is told, and nothing is started', async () => {
    const containers = await daemon.containers();
    const request = { terminal: true, console: '/dev/pts/none' };
    expect(await failureOf(daemon.exec(box, ['true'], request))).toEqual({
      code: 'NOT_FOUND',
      message: 'open /dev/pts/none: no such file or directory',
    });
    expect(await daemon.containers()).toEqual(containers);
  });

  it('that is no terminal is told, and nothing is started', async () => {
    const file = await runner.file();
    expect(await failureOf(daemon.exec(box, ['true'], { terminal: true, console: file }))).toEqual({
      code: 'INVALID_ARGUMENT',
      message: `open ${file}: inappropriate ioctl for device`,
    });
  });

  it('is not resized where there is none', async () => {
    const { pid } = await daemon.exec(box, ['sleep', '1000']);
    const failure = await failureOf(daemon.call('updateProcess', { id: box, pid, width: 10, height: 10 }));
    expect(failure.message).toContain('the process has no terminal');
    await daemon.signal(box, KILL, pid);
    await events.exit(box, pid);
  });
});

it('nothing stays open of terminals that have come and gone', async () => {
  const shim = await shimPidOf(daemon.child.pid ?? 0);
  const run = async () => {
    const own = new ClientTerminal();
    const { pid } = await daemon.exec(box, ['echo', 'done'], { terminal: true, console: own.path });
    await events.exit(box, pid);
    await own.shows('done');
    own.close();
  };
  await run();
  const before = await countDescriptors(shim);
  for (let n = 0; n < 5; n++) await run();
  await expect.poll(() => countDescriptors(shim)).toBeLessThanOrEqual(before);
});
