import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { linkShim, type OrphanEnd, type ShimLink } from '../../src/actors/shim-link.ts';
import { processStat } from '../../src/linux/process-stat.ts';
import type { ConnectOptions, ShimClient, ShimExit, ShimProcess } from '../../src/shim/client.ts';
import { ShimError } from '../../src/shim/error.ts';

type Handlers = Pick<ConnectOptions, 'onExit' | 'onLost'>;

/** A shim as far as a link can tell: what it holds, and what it is asked. */
type Played = { handlers: Handlers; asked: string[]; client: ShimClient };

let sleeper: ChildProcess;
let shims: Played[];
/** How connecting goes, one after the other; once there is nothing more to say, it succeeds. */
let connecting: Promise<Partial<ShimClient>>[];
let exits: string[];
let ends: OrphanEnd[];
let logged: string[];
beforeEach(() => {
  sleeper = spawn('sleep', ['1000']);
  [shims, connecting, exits, ends, logged] = [[], [], [], [], []];
});
afterEach(() => {
  vi.useRealTimers();
  sleeper.kill('SIGKILL');
});

const key = { container: 'box', process: 'init' };
const process_ = (): ShimProcess => {
  const pid = sleeper.pid ?? 0;
  return { key, pid, startTime: processStat(pid)?.startTime ?? 0n };
};
const exitOf = (process: ShimProcess): ShimExit => ({ process, status: 3, timestamp: 1n });
const lost = () => new ShimError('lost', 'it is gone');
/** A connection that is made, or not, when the test says so. */
function later() {
  let [resolve, reject] = [(_: Partial<ShimClient>) => {}, (_: Error) => {}];
  const promise = new Promise<Partial<ShimClient>>((...settle) => {
    [resolve, reject] = settle;
  });
  return { promise, resolve, reject };
}

async function ensure(handlers: Handlers): Promise<ShimClient> {
  const of = await (connecting.shift() ?? Promise.resolve({}));
  const asked: string[] = [];
  const client = {
    version: 2,
    pid: 100 + shims.length,
    processes: [],
    starting: [],
    kill: async (_: unknown, signal: number) => void asked.push(`kill ${signal}`),
    update: async () => void asked.push('update'),
    close: () => asked.push('close'),
    ...of,
  } as Partial<ShimClient> as ShimClient;
  shims.push({ handlers, asked, client });
  return client;
}

function link(): Promise<ShimLink> {
  // This test's own: a process that it leaves ends when the next one has begun.
  const [mine, said] = [ends, logged];
  return linkShim({
    ensure,
    onExit: ({ process: { pid }, status }) => exits.push(`${pid} ${status}`),
    onOrphanEnd: (end) => mine.push(end),
    log: pino({ level: 'info' }, { write: (line: string) => said.push(JSON.parse(line).msg) }),
  });
}
const shim = (n: number): Played => {
  const played = shims[n];
  if (played === undefined) throw new Error(`there is no shim ${n}`);
  return played;
};
/** A link whose first shim runs the sleeper and is lost. */
async function lose(): Promise<ShimLink> {
  connecting.unshift(Promise.resolve({ processes: [process_()] }));
  const it = await link();
  shim(0).handlers.onLost(lost());
  return it;
}

describe('a shim that is lost', () => {
  it('is followed by another, which is asked from then on', async () => {
    const it = await lose();
    expect(await it.ready()).toBe(101);
    await it.kill({ container: 'other', process: 'init' }, 1);
    expect([shim(0).asked, shim(1).asked]).toEqual([[], ['kill 1']]);
  });

  it('is not there any more for whoever was told so before the link was', async () => {
    connecting = [Promise.resolve({ run: () => Promise.reject(lost()) })];
    const it = await link();
    const running = it.run({ container: 'box', argv: [], env: [], cwd: '/', timeoutMs: 0 });
    void setImmediate().then(() => shim(0).handlers.onLost(lost()));
    await expect(running).rejects.toThrow('it is gone');
    expect(await it.ready()).toBe(101);
  });

  it('leaves its processes to be signalled and watched', async () => {
    const it = await lose();
    await it.ready();
    await it.kill(key, 9);
    await expect.poll(() => ends).toHaveLength(1);
    expect(ends[0]).toMatchObject({ key, pid: sleeper.pid });
    expect(shim(1).asked).toEqual([]);
  });

  it('has what is asked of its processes meanwhile wait until it is known whose they are', async () => {
    const next = later();
    connecting = [next.promise];
    const it = await lose();
    const killed = it.kill(key, 9);
    const updated = it.update(key, { closeStdin: true }).catch((error: Error) => error.message);
    next.resolve({});
    await killed;
    expect(await updated).toContain('stdio');
    await once(sleeper, 'exit');
    expect(shim(1).asked).toEqual([]);
  });

  it('was the same one where the next connection knows its processes', async () => {
    connecting = [Promise.resolve({ processes: [process_()] })];
    const it = await lose();
    await it.kill(key, 1);
    expect(shim(1).asked).toEqual(['kill 1']);
    expect(ends).toEqual([]);
  });

  it('has told the exits that it told: they are told of no orphan', async () => {
    connecting = [Promise.resolve({ processes: [process_()] })];
    const it = await link();
    shim(0).handlers.onExit(exitOf(process_()));
    shim(0).handlers.onLost(lost());
    await it.ready();
    expect([exits, ends]).toEqual([[`${sleeper.pid} 3`], []]);
  });

  it('has whoever waits for its runcs wait for the next one’s, which may be the same', async () => {
    const asked: string[] = [];
    connecting = [
      Promise.resolve({
        async settle(id: string) {
          asked.push(`first ${id}`);
          // As a connection does that ends.
          void setImmediate().then(() => shim(0).handlers.onLost(lost()));
          throw lost();
        },
      }),
      Promise.resolve({ settle: async (id: string) => void asked.push(`second ${id}`) }),
    ];
    await (await link()).settle('box');
    expect(asked).toEqual(['first box', 'second box']);
  });

  it('has an exit acknowledged to the next one, which may be the same', async () => {
    const acknowledged: string[] = [];
    connecting = [
      Promise.resolve({
        async ack() {
          // As a connection does that ends.
          void setImmediate().then(() => shim(0).handlers.onLost(lost()));
          throw lost();
        },
      }),
      Promise.resolve({ ack: async ({ process }) => void acknowledged.push(process) }),
    ];
    await (await link()).ack(key);
    expect(acknowledged).toEqual([key.process]);
  });

  it('is not replaced once the link is closed', async () => {
    const it = await link();
    it.close();
    shim(0).handlers.onLost(lost());
    expect(shims).toHaveLength(1);
  });
});

describe('a process that ends while there is no shim', () => {
  it('has its end told once there is one', async () => {
    const next = later();
    connecting = [next.promise];
    const it = await lose();
    sleeper.kill('SIGKILL');
    await once(sleeper, 'exit');
    expect(ends).toEqual([]);
    next.resolve({});
    await it.ready();
    expect(ends).toEqual([{ key, pid: sleeper.pid, status: undefined }]);
    expect(logged).toContain('a process without a shim has ended: its exit status is not known');
  });

  it('has its exit told by the shim where that is the same one', async () => {
    const next = later();
    connecting = [next.promise];
    const it = await lose();
    const process = process_();
    next.resolve({ processes: [process] });
    await it.ready();
    shim(1).handlers.onExit(exitOf(process));
    expect([exits, ends]).toEqual([[`${process.pid} 3`], []]);
  });
});

describe('a shim that cannot be started in the place of another', () => {
  it('is tried again after a while, and what was left is not forgotten', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    connecting = [Promise.reject(new ShimError('spawn', 'no memory'))];
    const it = await lose();
    await expect(it.kill(key, 9)).rejects.toMatchObject({
      reason: 'lost',
      message: 'no other could be started: no memory',
    });
    expect(await it.ready()).toBe(0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await it.ready()).toBe(101);
    expect(logged).toContain('no shim could be started');
    await it.kill(key, 9);
    vi.useRealTimers();
    await expect.poll(() => ends).toHaveLength(1);
  });
});

describe('a shim that is lost as soon as it is there', () => {
  it('is followed by a third, and orphans are told of once', async () => {
    const it = await lose();
    await it.ready();
    shim(1).handlers.onLost(lost());
    expect(await it.ready()).toBe(102);
    sleeper.kill('SIGKILL');
    await expect.poll(() => ends).toHaveLength(1);
    expect(logged.filter((msg) => msg === 'a shim is there again')).toHaveLength(2);
  });
});

describe('an orphan that the restore hands over as well', () => {
  const told = async () => {
    await expect.poll(() => ends).not.toEqual([]);
    // Were it to be told again, it would be by now.
    for (let turn = 0; turn < 3; turn++) await setImmediate();
    return [exits.length, ends.length];
  };

  it('is told of once, whoever was first', async () => {
    const it = await lose();
    await it.ready();
    it.watchOrphan(process_());
    sleeper.kill('SIGKILL');
    expect(await told()).toEqual([0, 1]);
  });

  it('is told of once where it has ended meanwhile', async () => {
    const process = process_();
    const it = await lose();
    await it.ready();
    sleeper.kill('SIGKILL');
    await told();
    it.watchOrphan(process);
    expect(await told()).toEqual([0, 1]);
  });

  it('is not told of where its shim told its exit before it was lost', async () => {
    const process = process_();
    connecting = [Promise.resolve({ processes: [process] })];
    const it = await link();
    shim(0).handlers.onExit(exitOf(process));
    shim(0).handlers.onLost(lost());
    await it.ready();
    it.watchOrphan(process);
    sleeper.kill('SIGKILL');
    await once(sleeper, 'exit');
    for (let turn = 0; turn < 3; turn++) await setImmediate();
    expect([exits.length, ends]).toEqual([1, []]);
  });

  it('is told of again once its exit has been acknowledged: it is another', async () => {
    connecting = [Promise.resolve({ ack: async () => {} })];
    const it = await lose();
    await it.ready();
    sleeper.kill('SIGKILL');
    await told();
    await it.ack(key);
    it.watchOrphan({ key, pid: sleeper.pid ?? 0, startTime: -1n });
    expect(await told()).toEqual([0, 2]);
  });
});

describe('a start', () => {
  const request = { key } as Parameters<ShimClient['start']>[0];
  const started = () => ({ ...process_(), unwritten: '' });

  it('that lost its shim is rejected where the next one knows nothing of it', async () => {
    connecting = [Promise.resolve({ start: () => Promise.reject(lost()) })];
    const it = await link();
    await expect(it.start(request)).rejects.toMatchObject({ reason: 'lost' });
  });

  it('that lost its connection has the outcome that the shim tells on the next one', async () => {
    const asking = later();
    connecting = [
      Promise.resolve({ start: () => asking.promise.then(() => started()) }),
      Promise.resolve({ starting: [key], awaitStart: async () => started() }),
    ];
    const it = await link();
    const outcome = it.start(request);
    await Promise.resolve();
    shim(0).handlers.onLost(lost());
    asking.reject(lost());
    expect(await outcome).toMatchObject({ pid: sleeper.pid });
  });

  it('that ended before its outcome was heard of has its end told once, whatever becomes of the shim', async () => {
    const process = process_();
    sleeper.kill('SIGKILL');
    await once(sleeper, 'exit');
    const asking = later();
    connecting = [
      Promise.resolve({
        awaitStart: () => asking.promise.then(() => ({ ...process, unwritten: '' })),
        ack: async () => {},
      }),
    ];
    const it = await link();
    const outcome = it.awaitStart(key);
    shim(0).handlers.onExit(exitOf(process));
    asking.resolve({});
    await outcome;
    await it.ack(key);
    shim(0).handlers.onLost(lost());
    await it.ready();
    expect([exits, ends]).toEqual([[`${process.pid} 3`], []]);
  });
});
