import { once } from 'node:events';
import { connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type ClientReadableStream, credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ContainerView } from '../../src/actors/listed.ts';
import type { StatsContainer, StatsSubscriber } from '../../src/actors/stats.ts';
import { CreateContainerRequest } from '../../src/generated/api.ts';
import { InspectClient, WatchResponse } from '../../src/generated/inspect.ts';
import { Stats } from '../../src/generated/messages/api.ts';
import { createInspectApi } from '../../src/server/inspect.ts';
import { createWatch, type InspectHandlers, type WatchCall } from '../../src/server/watch.ts';
import { startSimulatedSystem } from '../inspector/simulated-system.ts';
import { within } from '../linux/deadline.ts';
import { spec } from '../machines/fixtures/requests.ts';
import { Served } from './served.ts';

const BUNDLE = new URL('fixtures/bundle', import.meta.url).pathname;
const DEADLINE_MS = 15_000;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});
const aSecond = () => vi.advanceTimersByTime(1000);

/** A client that reads when the test says so. */
class Client {
  readonly told: WatchResponse[] = [];
  readonly call: Writable;
  #taken: (() => void)[] = [];
  constructor({ reads = true } = {}) {
    this.call = new Writable({
      objectMode: true,
      write: (bytes: Uint8Array, _encoding, done) => {
        this.told.push(WatchResponse.decode(bytes));
        if (reads) done();
        else this.#taken.push(done);
      },
    });
  }
  async read(): Promise<void> {
    this.#taken.shift()?.();
    await setImmediate();
  }
}

describe('a watch', () => {
  const viewOf = (id: string, pid: number): ContainerView => ({
    id,
    bundlePath: '/b',
    status: 'running',
    processes: [{ process: 'init', requestId: '', spec, pid, startTime: '7' }],
  });
  let there: ContainerView[];
  let looks: number;
  let samples: Map<string, StatsSubscriber>;
  let watch: (client: Client) => void;
  let trouble: Error | undefined;
  let tries: number;
  beforeEach(() => {
    trouble = undefined;
    tries = 0;
    there = [viewOf('a', 42)];
    looks = 0;
    samples = new Map();
    const join = createWatch({
      recorder: { container: () => undefined },
      system: {
        list: () => {
          looks += 1;
          return there;
        },
      },
      stats: {
        subscribe: ({ id, pid }: StatsContainer, subscriber) => {
          tries += 1;
          if (trouble !== undefined) throw trouble;
          const name = `${id} ${pid}`;
          expect(samples.has(name), `${name} is sampled once`).toBe(false);
          samples.set(name, subscriber);
          return () => void samples.delete(name);
        },
      },
    });
    watch = ({ call }) => join(call as unknown as WatchCall);
  });
  const sample = (name: string, cpu: bigint) =>
    samples.get(name)?.onSample(
      Stats.encode(
        Stats.fromPartial({
          cgroup_stats: {
            cpu_stats: { cpu_usage: { total_usage: cpu } },
            memory_stats: { usage: { usage: 9n } },
          },
        }),
      ).finish(),
    );

  /** As the collector does: whoever is told that it has failed is not subscribed any more. */
  const failSample = (name: string) => {
    const subscriber = samples.get(name);
    samples.delete(name);
    subscriber?.onFailed(new Error('it broke'));
  };

  it('tells at once, and then each second', () => {
    const client = new Client();
    watch(client);
    expect(client.told).toHaveLength(1);
    expect(client.told[0]?.containers).toMatchObject([
      { id: 'a', pid: 42, state: 'running', cpu_ns: 0n, sampled: 0n },
    ]);
    sample('a 42', 5n);
    aSecond();
    expect(client.told).toHaveLength(2);
    expect(client.told[1]?.containers).toMatchObject([{ id: 'a', cpu_ns: 5n, memory_bytes: 9n }]);
    expect(client.told[1]?.containers[0]?.sampled).toBeGreaterThan(0n);
  });

  it('has a container sampled for as long as it is there, and another of the same id anew', () => {
    const client = new Client();
    watch(client);
    sample('a 42', 5n);
    there = [viewOf('a', 43), viewOf('b', 44)];
    aSecond();
    expect([...samples.keys()]).toEqual(['a 43', 'b 44']);
    expect(client.told.at(-1)?.containers).toMatchObject([
      { id: 'a', cpu_ns: 0n },
      { id: 'b', cpu_ns: 0n },
    ]);
    there = [];
    aSecond();
    expect(samples.size).toBe(0);
    expect(client.told.at(-1)?.containers).toEqual([]);
  });

  it('is looked at once a second however many there are, and not at all where there is none', () => {
    const clients = Array.from({ length: 20 }, () => new Client());
    for (const client of clients) watch(client);
    looks = 0;
    for (let n = 0; n < 5; n++) aSecond();
    expect(looks).toBe(5);
    expect(clients.map(({ told }) => told.length)).toEqual(clients.map(() => 6));
    for (const { call } of clients.slice(1)) call.emit('cancelled');
    expect(samples.size).toBe(1);
    clients[0]?.call.emit('cancelled');
    expect(samples.size).toBe(0);
    for (let n = 0; n < 5; n++) aSecond();
    expect(looks).toBe(5);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps one answer for a client that does not read, which has the newest once it does', async () => {
    const [slow, quick] = [new Client({ reads: false }), new Client()];
    watch(slow);
    watch(quick);
    for (let n = 0; n < 100; n++) aSecond();
    expect(quick.told).toHaveLength(101);
    expect(slow.told).toHaveLength(1);
    expect(slow.call.writableLength).toBe(1);
    await slow.read();
    there = [viewOf('new', 50)];
    aSecond();
    expect(slow.told.map(({ containers }) => containers[0]?.id)).toEqual(['a', 'new']);
  });

  const usages = (client: Client) =>
    client.told.at(-1)?.containers.map(({ id, cpu_ns, sampled }) => [id, cpu_ns, sampled > 0n]);

  it('has one whose sample fails without what it uses, until the next look has it sampled anew', () => {
    const client = new Client();
    there = [viewOf('a', 42), viewOf('b', 43)];
    watch(client);
    for (const name of ['a 42', 'b 43']) sample(name, 5n);
    failSample('a 42');
    expect(samples.size).toBe(1);
    aSecond();
    expect(usages(client)).toEqual([
      ['a', 0n, false],
      ['b', 5n, true],
    ]);
    expect(samples.size).toBe(2);
    sample('a 42', 6n);
    aSecond();
    expect(usages(client)).toEqual([
      ['a', 6n, true],
      ['b', 5n, true],
    ]);
  });

  it('goes on where the thread fails that takes samples, and has another started at the next look', () => {
    const client = new Client();
    there = [viewOf('a', 42), viewOf('b', 43)];
    watch(client);
    // The collector tells each that has subscribed.
    for (const name of [...samples.keys()]) failSample(name);
    aSecond();
    expect(usages(client)).toEqual([
      ['a', 0n, false],
      ['b', 0n, false],
    ]);
    expect([...samples.keys()]).toEqual(['a 42', 'b 43']);
  });

  it('goes on without samples where there is no thread to be had, which is tried once a look', () => {
    trouble = new Error('EAGAIN');
    there = [viewOf('a', 42), viewOf('b', 43)];
    const clients = [new Client(), new Client()];
    for (const client of clients) watch(client);
    expect(tries).toBe(2);
    aSecond();
    expect(tries).toBe(3);
    for (const client of clients) {
      expect(client.told).toHaveLength(2);
      expect(usages(client)).toEqual([
        ['a', 0n, false],
        ['b', 0n, false],
      ]);
    }
    trouble = undefined;
    aSecond();
    expect([...samples.keys()]).toEqual(['a 42', 'b 43']);
  });
});

describe('twenty watchers of a daemon, half of which never read', () => {
  /** Enough for one answer to be more than what HTTP/2 lets a server send unasked (65,535 bytes). */
  const CONTAINERS = 1500;
  const HALF = 10;

  let simulated: Awaited<ReturnType<typeof startSimulatedSystem>>;
  let served: Served;
  let calls: WatchCall[];
  let leave: (() => void)[];
  beforeEach(async () => {
    simulated = await startSimulatedSystem();
    await Promise.all(Array.from({ length: CONTAINERS }, (_, n) => simulated.start(`box-${n}`)));
    const api = createInspectApi({ ...simulated, stats: { subscribe: () => () => {}, close: () => {} } });
    calls = [];
    leave = [];
    served = await Served.start(simulated.system, {
      ...api,
      watch(call) {
        calls.push(call);
        api.watch(call);
      },
    } as InspectHandlers);
  });
  afterEach(async () => {
    for (const it of leave) it();
    await served.end();
  });

  /** Takes nothing off the connection beyond what the server may send unasked. */
  async function watchWithoutReading(): Promise<void> {
    const session = connect('http://localhost', { createConnection: () => connectSocket(served.socketPath) });
    const stream = session.request({
      ':method': 'POST',
      ':path': '/types.Inspect/Watch',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.end(Buffer.alloc(5));
    await once(stream, 'response');
    leave.push(() => session.destroy());
  }
  /** What is told to one that reads. */
  function watchAndRead(): { answers: number; last: WatchResponse | undefined } {
    const client = new InspectClient(`unix:${served.socketPath}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    const stream: ClientReadableStream<WatchResponse> = client.watch({});
    const heard = { answers: 0, last: undefined as WatchResponse | undefined };
    stream.on('data', (answer: WatchResponse) => {
      heard.answers += 1;
      heard.last = answer;
    });
    stream.on('error', () => {});
    leave.push(() => {
      stream.cancel();
      client.close();
    });
    return heard;
  }
  const asked = <Answer>(ask: (callback: (error: unknown, answer: Answer) => void) => unknown) =>
    within(
      DEADLINE_MS,
      'an answer',
      new Promise<Answer>((resolve, reject) =>
        ask((error, answer) => (error ? reject(error) : resolve(answer))),
      ),
    );

  it('cost bounded memory, and neither the others nor the daemon anything', async () => {
    for (let n = 0; n < HALF; n++) await watchWithoutReading();
    const readers = Array.from({ length: HALF }, watchAndRead);
    let ticks = 0;
    const allHear = () =>
      expect
        .poll(() => readers.map(({ answers }) => answers), { timeout: DEADLINE_MS, interval: 5 })
        .toEqual(readers.map(() => ticks + 1));
    // What is freed by one collection may be what another is needed for, and its buffers go a turn of the loop later.
    const weigh = async () => {
      const weights: number[] = [];
      for (let n = 0; n < 5; n++) {
        collectGarbage();
        await setImmediate();
        const { heapUsed, external, arrayBuffers } = process.memoryUsage();
        weights.push(heapUsed + external + arrayBuffers);
      }
      return Math.min(...weights);
    };
    const watchFor = async (seconds: number) => {
      for (let n = 0; n < seconds; n++) {
        ticks += 1;
        aSecond();
        await allHear();
      }
      for (const reader of readers) reader.last = undefined;
      return weigh();
    };
    await allHear();
    expect(calls).toHaveLength(2 * HALF);

    const before = await watchFor(50);
    const after = await watchFor(250);
    // What is told in 250 seconds is 20 MB or more, and would be kept once at least.
    expect(after - before).toBeLessThan(20_000_000);
    expect(calls.filter(({ writableLength }) => writableLength > 0)).toHaveLength(HALF);
    for (const { writableLength } of calls) expect(writableLength).toBeLessThanOrEqual(1);

    const { containers } = await asked<{ containers: unknown[] }>((done) => served.client.state({}, done));
    expect(containers).toHaveLength(CONTAINERS);
    const create = CreateContainerRequest.fromPartial({ id: 'late', bundlePath: BUNDLE });
    expect(await asked<{ pid: number }>((done) => served.client.createContainer(create, done))).toEqual({
      pid: expect.any(Number),
    });
    ticks += 1;
    aSecond();
    await allHear();
    for (const { last } of readers) expect(last?.containers.map(({ id }) => id)).toContain('late');
  }, 60_000);
});
