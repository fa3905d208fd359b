import { once } from 'node:events';
import { type ClientHttp2Stream, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { dirname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type APIClient, Event, EventsRequest } from '../../src/generated/api.ts';
import type { Notice } from '../../src/machines/messages.ts';
import { within } from '../linux/deadline.ts';
import { descriptorsOf } from '../linux/descriptors.ts';
import { PlayedSystem } from '../machines/fixtures/system.ts';
import { Served } from './served.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const DEADLINE_MS = 15_000;
const NS_PER_MS = 1_000_000n;

let served: Served;
beforeEach(async () => {
  served = await Served.start((await PlayedSystem.start()).system);
});
afterEach(() => {
  vi.restoreAllMocks();
  return served.end();
});

const notice = (rest: Partial<Notice> = {}): Notice => ({
  type: 'exit',
  id: 'c',
  process: 'init',
  pid: 7,
  status: 0,
  unixNs: '',
  ...rest,
});

/** Publishes so many exits, with their number as their status, from `first` on. */
const publish = (count: number, first = 1, rest: Partial<Notice> = {}): Promise<unknown> =>
  Promise.all(
    Array.from({ length: count }, (_, n) => served.hub.publish(notice({ status: first + n, ...rest }))),
  );

/** What a client is told. */
class Heard {
  readonly events: Event[] = [];
  readonly stream: ClientReadableStream<Event>;
  error: ServiceError | undefined;
  #changed = () => {};

  constructor(stream: ClientReadableStream<Event>) {
    this.stream = stream;
    stream.on('error', (error: ServiceError) => {
      this.error = error;
      this.#changed();
    });
  }

  listen(): this {
    this.stream.on('data', (event: Event) => {
      this.events.push(event);
      this.#changed();
    });
    return this;
  }

  async until(what: string, look: () => boolean): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      this.#changed = () => {
        if (look()) resolve();
      };
      this.#changed();
    });
    await within(DEADLINE_MS, what, seen);
  }

  /** Events until there are so many. */
  async count(count: number): Promise<Event[]> {
    await this.until(`${count} events`, () => this.events.length >= count);
    return this.events;
  }

  statuses = (): number[] => this.events.map(({ status }) => status);
}

async function subscribe(
  request: Partial<EventsRequest> = {},
  client: APIClient = served.client,
): Promise<Heard> {
  const heard = new Heard(client.events(EventsRequest.fromPartial(request)));
  await once(heard.stream, 'metadata');
  return heard;
}
const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n);

describe('a subscriber', () => {
  it('hears of everything from the moment it has the headers, in order, with its number', async () => {
    await publish(3);
    const heard = (await subscribe()).listen();
    const begun = BigInt(Date.now()) * NS_PER_MS;
    await publish(100, 4);
    const events = await heard.count(100);
    expect(heard.statuses()).toEqual(range(4, 103));
    expect(events.map(({ sequence }) => Number(sequence))).toEqual(range(4, 103));
    expect(events[0]?.timestamp).toBeGreaterThanOrEqual(begun);
  });

  it('hears an exit’s own time', async () => {
    const heard = (await subscribe()).listen();
    await served.hub.publish(notice({ unixNs: '1450266508000000001' }));
    expect((await heard.count(1))[0]?.timestamp).toBe(1450266508000000001n);
  });

  it('that asks for nothing hears of exits and OOM, as in 2015', async () => {
    const heard = (await subscribe()).listen();
    for (const type of ['start', 'pause', 'oom', 'resume', 'checkpoint', 'exec', 'exit'] as const) {
      await served.hub.publish(notice({ type }));
    }
    expect((await heard.count(2)).map(({ type }) => type)).toEqual(['oom', 'exit']);
  });

  it('hears of the types that it asks for, of the container that it asks for', async () => {
    const heard = (await subscribe({ types: ['start', 'checkpoint'], id: 'mine' })).listen();
    const checkpoint = { name: 'n', exit: true, tcp: false, unixSockets: false, shell: false };
    await served.hub.publish(notice({ type: 'start' }));
    await served.hub.publish(notice({ type: 'exit', id: 'mine' }));
    await served.hub.publish(notice({ type: 'start', id: 'mine' }));
    await served.hub.publish(notice({ type: 'checkpoint', id: 'mine', checkpoint }));
    const events = await heard.count(2);
    expect(events).toMatchObject([
      { type: 'start', id: 'mine' },
      { type: 'checkpoint', checkpoint },
    ]);
  });

  it('that goes away is forgotten, and keeps nobody from hearing', async () => {
    const [one, other] = [await subscribe(), (await subscribe()).listen()];
    expect(served.hub.countSubscribers()).toBe(2);
    one.stream.cancel();
    await expect.poll(() => served.hub.countSubscribers()).toBe(1);
    await publish(1);
    await other.count(1);
  });

  it('whose connection is lost is forgotten', async () => {
    const client = served.connect();
    const heard = await subscribe({}, client);
    client.close();
    heard.stream.cancel();
    await expect.poll(() => served.hub.countSubscribers()).toBe(0);
  });
});

describe('a subscriber that asks for what has been', () => {
  it('hears of all of it, then goes on, without gap or double', async () => {
    await publish(1000);
    const heard = new Heard(served.client.events(EventsRequest.fromPartial({ since: 1n }))).listen();
    // Told while the journal is read, and while the file is written.
    const written: Promise<unknown>[] = [];
    for (let first = 1001; first <= 3000; first += 100) {
      written.push(publish(100, first));
      await new Promise(setImmediate);
    }
    await heard.count(3000);
    await Promise.all(written);
    await publish(1, 3001);
    await heard.count(3001);
    expect(heard.statuses()).toEqual(range(1, 3001));
  });

  it('hears of what fits alone', async () => {
    await publish(1, 1, { type: 'start' });
    await publish(1, 2, { id: 'other' });
    await publish(1, 3);
    const heard = (await subscribe({ since: 1n, id: 'c' })).listen();
    await publish(1, 4);
    await heard.count(2);
    expect(heard.statuses()).toEqual([3, 4]);
  });

  it('catches up from the last that it has heard', async () => {
    const first = (await subscribe()).listen();
    await publish(10);
    const last = (await first.count(10)).at(-1);
    first.stream.cancel();
    await publish(10, 11);
    const again = (await subscribe({ since: last?.timestamp ?? 0n })).listen();
    await again.until('the last', () => again.events.at(-1)?.status === 20);
    const missed = again.events.filter(({ sequence }) => sequence > (last?.sequence ?? 0n));
    expect(missed.map(({ status }) => status)).toEqual(range(11, 20));
  });

  it('is told where the journal cannot be read', async () => {
    served.hub.replay = () => {
      throw new Error('the disk is gone');
    };
    const heard = (await subscribe({ since: 1n })).listen();
    await heard.until('the error', () => heard.error !== undefined);
    expect(heard.error).toMatchObject({ code: status.INTERNAL, details: 'containerd: the disk is gone' });
    expect(served.hub.countSubscribers()).toBe(0);
  });

  it('of a time to come hears of what comes now', async () => {
    await publish(5);
    const heard = (await subscribe({ since: 2n ** 64n - 1n })).listen();
    await publish(1, 6);
    expect((await heard.count(1))[0]?.status).toBe(6);
  });

  it('and goes away in the middle of it is forgotten', async () => {
    await publish(20_000);
    const heard = await subscribe({ since: 1n });
    heard.stream.cancel();
    await expect.poll(() => served.hub.countSubscribers()).toBe(0);
  });
});

describe('a replay that takes more than a turn', () => {
  /** After each event. */
  const endTurns = () => {
    let nowMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 3_600_000));
  };

  it('goes on from where it was, without gap or double', async () => {
    await publish(100);
    endTurns();
    const heard = (await subscribe({ since: 1n })).listen();
    await publish(1, 101);
    await heard.count(101);
    expect(heard.statuses()).toEqual(range(1, 101));
  });

  it('is one of 64 at a time, however many wait', async () => {
    let [begun, reading] = [0, 0];
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    // biome-ignore lint/correctness/useYield: it reads, and finds nothing
    served.hub.replay = async function* () {
      begun += 1;
      reading += 1;
      await released;
      reading -= 1;
    };
    const all = await Promise.all(Array.from({ length: 70 }, () => subscribe({ since: 1n })));
    expect([begun, reading]).toEqual([64, 64]);
    release();
    await publish(1);
    await Promise.all(all.map((heard) => heard.listen().count(1)));
    expect([begun, reading]).toEqual([70, 0]);
  });

  it('is told of a gap where what comes next is in the journal no more', async () => {
    await publish(10);
    const { replayAfter } = served.hub;
    served.hub.replayAfter = (sequence) => replayAfter(sequence === 3n ? 7n : sequence);
    endTurns();
    const heard = (await subscribe({ since: 1n, types: ['exit'] })).listen();
    const told = (await heard.count(7)).map(({ type, sequence }) => [type, Number(sequence)]);
    expect(told).toEqual([
      ...range(1, 3).map((n) => ['exit', n]),
      ['gap', 7],
      ...range(8, 10).map((n) => ['exit', n]),
    ]);
  });
});

describe('a subscriber that does not read', () => {
  /** More than its backlog and the buffers on the way hold. */
  const MANY = 10_000;

  /**
   * Subscribes and takes nothing off the connection beyond what HTTP/2 lets the server send unasked. (The client of
   * grpc-js reads on, and keeps for itself what nobody has listened to.)
   */
  async function subscribeWithoutReading(request: Partial<EventsRequest> = {}): Promise<ClientHttp2Stream> {
    const session = connect('http://localhost', { createConnection: () => connectSocket(served.socketPath) });
    // It is still there as the server ends.
    session.on('error', () => {});
    const headers = {
      ':method': 'POST',
      ':path': '/types.API/Events',
      'content-type': 'application/grpc',
      te: 'trailers',
    };
    const stream = session.request(headers);
    const message = EventsRequest.encode(EventsRequest.fromPartial(request)).finish();
    stream.end(Buffer.concat([Buffer.alloc(4), Uint8Array.of(message.length), message]));
    await once(stream, 'response');
    return stream;
  }
  async function* eventsOf(stream: ClientHttp2Stream): AsyncGenerator<Event> {
    let bytes = Buffer.alloc(0);
    for await (const chunk of stream) {
      bytes = Buffer.concat([bytes, chunk]);
      const endOfFirst = () => (bytes.length < 5 ? Number.POSITIVE_INFINITY : 5 + bytes.readUInt32BE(1));
      for (let end = endOfFirst(); end <= bytes.length; end = endOfFirst()) {
        yield Event.decode(bytes.subarray(5, end));
        bytes = bytes.subarray(end);
      }
    }
  }

  it('is told of a gap once it does, then goes on; with `since` it has all', async () => {
    const heard = await subscribe();
    await publish(MANY);
    heard.listen();
    await heard.until('a gap', () => heard.events.some(({ type }) => type === 'gap'));
    await publish(1, MANY + 1);
    await heard.until('the last', () => heard.events.at(-1)?.status === MANY + 1);

    const at = heard.events.findIndex(({ type }) => type === 'gap');
    const before = heard.events[at - 1];
    expect(heard.events.slice(0, at).map(({ status }) => status)).toEqual(range(1, at));
    // What follows the gap begins right after its number.
    expect(heard.events.slice(at).map(({ sequence }) => Number(sequence))).toEqual(
      range(Number(heard.events[at]?.sequence), MANY + 1),
    );
    expect(heard.events.filter(({ type }) => type === 'gap')).toHaveLength(1);

    const again = (await subscribe({ since: before?.timestamp ?? 0n })).listen();
    await again.until('the last', () => again.events.at(-1)?.status === MANY + 1);
    const missed = again.events.filter(({ sequence }) => sequence > (before?.sequence ?? 0n));
    expect(missed.map(({ status }) => status)).toEqual(range(at + 1, MANY + 1));
  });

  it('costs bounded memory, and no other anything', async () => {
    const deaf = await subscribeWithoutReading();
    const other = (await subscribe()).listen();
    const tell = async (rounds: number) => {
      for (let round = 0; round < rounds; round += 1) {
        other.events.length = 0;
        await publish(1000);
        await other.count(1000);
      }
      other.events.length = 0;
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = await tell(15);
    // Each event takes some hundred bytes where it is kept.
    expect((await tell(40)) - before).toBeLessThan(4_000_000);
    deaf.session?.destroy();
  });

  it('in the middle of what has been gets it all in the end', async () => {
    await publish(MANY);
    const heard = await subscribe({ since: 1n });
    await publish(MANY, MANY + 1);
    heard.listen();
    await heard.until('the last', () => heard.events.at(-1)?.status === 2 * MANY);
    await publish(1, 2 * MANY + 1);
    await heard.until('one more', () => heard.events.at(-1)?.status === 2 * MANY + 1);
    expect(heard.statuses()).toEqual(range(1, 2 * MANY + 1));
  });

  it('at the end of what has been gets what is published until it is let through', async () => {
    await publish(1);
    const { replay } = served.hub;
    served.hub.replay = async function* (since) {
      yield* replay(since);
      await publish(MANY, 2);
    };
    const heard = await subscribe({ since: 1n });
    heard.listen();
    await heard.until('the last', () => heard.events.at(-1)?.status === MANY + 1);
    expect(heard.statuses()).toEqual(range(1, MANY + 1));
  });

  it('in the middle of what has been keeps no file open, and still gets it all once it reads', async () => {
    await publish(MANY);
    const { replay } = served.hub;
    let letGo = () => {};
    const isLetGo = new Promise<void>((resolve) => (letGo = resolve));
    served.hub.replay = async function* (since) {
      try {
        yield* replay(since);
      } finally {
        letGo();
      }
    };
    const stream = await subscribeWithoutReading({ since: 1n });
    await within(DEADLINE_MS, 'the end of its turn', isLetGo);
    // The journal's own, to write to.
    const files = () => descriptorsOf((target) => target.startsWith(dirname(served.socketPath)));
    await expect.poll(files, { timeout: DEADLINE_MS }).toHaveLength(1);
    await publish(1, MANY + 1);
    const statuses: number[] = [];
    const read = async () => {
      for await (const { status } of eventsOf(stream)) {
        statuses.push(status);
        if (status === MANY + 1) return;
      }
    };
    await within(DEADLINE_MS, 'the last', read());
    expect(statuses).toEqual(range(1, MANY + 1));
  });
});

describe('the server that ends', () => {
  it('ends the streams', async () => {
    const other = await Served.start((await PlayedSystem.start()).system);
    const heard = await subscribe({}, other.client);
    heard.listen();
    await other.end();
    await heard.until('the end', () => heard.error !== undefined);
    expect([status.CANCELLED, status.UNAVAILABLE]).toContain(heard.error?.code);
  });
});
