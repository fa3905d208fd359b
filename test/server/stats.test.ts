import { once } from 'node:events';
import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import type { ContainerView } from '../../src/actors/listed.ts';
import type { StatsContainer, StatsSubscriber } from '../../src/actors/stats.ts';
import { type StatsCall, streamStats } from '../../src/server/stats.ts';

const PROCESS = {
  process: 'init',
  requestId: '',
  spec: { terminal: false, user: { uid: 0, gid: 0, additionalGids: [] }, args: [], env: [], cwd: '/' },
};
const container: ContainerView = {
  id: 'a',
  bundlePath: '/b',
  status: 'running',
  processes: [
    { ...PROCESS, pid: 42, startTime: '7' },
    { ...PROCESS, process: 'exec-1', pid: 43, startTime: '8' },
  ],
};

/** One call of a client that reads when the test says so, of a container that goes when it says so. */
function stage(id = 'a') {
  const written: string[] = [];
  const unread: (() => void)[] = [];
  const call = new Writable({
    objectMode: true,
    write(chunk, _encoding, done) {
      written.push(Buffer.from(chunk).toString());
      unread.push(() => done());
    },
  });
  const subscribed: { container: StatsContainer; subscriber: StatsSubscriber }[] = [];
  const state = { subscribers: 0, watchers: 0, gone: () => {} };
  streamStats(
    Object.assign(call, { request: { id } }) as unknown as StatsCall,
    {
      find: (asked) => (asked === 'a' ? container : undefined),
      onGone: (_, gone) => {
        state.watchers++;
        state.gone = gone;
        return () => void state.watchers--;
      },
    },
    {
      subscribe: (to, subscriber) => {
        subscribed.push({ container: to, subscriber });
        state.subscribers++;
        return () => void state.subscribers--;
      },
    },
  );
  return {
    call,
    written,
    state,
    subscribed,
    sample: (text: string) => subscribed[0]?.subscriber.onSample(Buffer.from(text)),
    read: () => unread.shift()?.(),
  };
}

it('a stream is of the container’s init, and says what comes', () => {
  const { subscribed, sample, read, written } = stage();
  expect(subscribed[0]?.container).toEqual({ id: 'a', pid: 42, startTime: '7' });
  for (const text of ['one', 'two']) {
    sample(text);
    read();
  }
  expect(written).toEqual(['one', 'two']);
});

it('a client that does not read has one sample waiting, misses the others, and then has the next', async () => {
  const { call, sample, read, written } = stage();
  for (const text of ['one', 'two', 'three']) sample(text);
  expect(call.writableLength).toBe(1);
  read();
  await new Promise(setImmediate);
  sample('four');
  expect(written).toEqual(['one', 'four']);
});

it('a stream ends, and lets go of everything, once its container is gone', async () => {
  const { call, state } = stage();
  expect(state).toMatchObject({ subscribers: 1, watchers: 1 });
  state.gone();
  expect(state).toMatchObject({ subscribers: 0, watchers: 0 });
  await once(call, 'finish');
  expect(call.errored).toBeNull();
});

it('a client that cancels is let go of at once', () => {
  const { call, state } = stage();
  call.emit('cancelled');
  expect(state).toMatchObject({ subscribers: 0, watchers: 0 });
});

it('a container that is not there is an error, and nothing is subscribed to', async () => {
  const system = { find: () => undefined, onGone: () => () => {} };
  const call = Object.assign(new Writable(), { request: { id: 'b' } });
  const failed = once(call, 'error');
  streamStats(call as unknown as StatsCall, system, { subscribe: () => expect.fail('subscribed') });
  expect((await failed)[0]).toMatchObject({ details: 'containerd: container not found' });
});

it('a thread that fails is told the client as an error', async () => {
  const { call, subscribed } = stage();
  const failed = once(call, 'error');
  subscribed[0]?.subscriber.onFailed(new Error('the thread broke'));
  expect((await failed)[0]).toMatchObject({ details: 'containerd: the thread broke' });
});
