import { afterEach, describe, expect, it, vi } from 'vitest';
import { createStatelyFeed, type StatelyFeed } from '../../src/inspector/stately.ts';
import type { StatelyMessage } from '../../src/inspector/stately-messages.ts';
import { startSimulatedSystem } from './simulated-system.ts';

/** A client that has unread what it is told until it reads. */
class Client {
  readonly told: StatelyMessage[] = [];
  readonly texts: string[] = [];
  most = 0;
  bufferedAmount = 0;
  send(text: string): void {
    this.texts.push(text);
    this.told.push(JSON.parse(text) as StatelyMessage);
    this.bufferedAmount += text.length;
    this.most = Math.max(this.most, this.bufferedAmount);
  }
  read(): this {
    this.bufferedAmount = 0;
    return this;
  }
  sessions(): Set<string> {
    return new Set(this.told.map(({ sessionId }) => sessionId));
  }
  statesOf(session: string | undefined): unknown[] {
    return this.told.flatMap((it) =>
      it.type === '@xstate.snapshot' && it.sessionId === session ? [it.snapshot.value] : [],
    );
  }
}

let feed: StatelyFeed;
afterEach(() => {
  feed.end();
  vi.useRealTimers();
});

async function begin() {
  const simulated = await startSimulatedSystem();
  feed = createStatelyFeed({ recorder: simulated.recorder, secrets: false });
  return simulated;
}

describe('a client of the stream', () => {
  it('is told of all 512 actors as it reads, though they are more than it may have unread', async () => {
    const { start } = await begin();
    for (let n = 0; n < 300; n++) await start(`c${n}`);
    const client = new Client();
    feed.join(client);
    await expect.poll(() => client.read().sessions().size, { interval: 20 }).toBe(512);
    expect(client.texts.join('').length).toBeGreaterThan(4 * 2 ** 20);
    expect(client.most).toBeLessThan(2 * 2 ** 20);
  });

  it('is told where an actor is whose steps it has missed, once it has read', async () => {
    const { start, pause, resume, recorder } = await begin();
    await start('a');
    const session = recorder.container('a')?.session;
    const [slow, quick] = [new Client(), new Client()];
    for (const client of [slow, quick]) feed.join(client);
    await expect.poll(() => slow.statesOf(session)).toEqual([{ running: 'steady' }]);
    slow.bufferedAmount = 100 * 2 ** 20;
    await pause('a');
    await resume('a');
    await pause('a');
    await expect.poll(() => quick.read().statesOf(session).at(-1)).toEqual({ paused: 'steady' });
    expect(slow.statesOf(session)).toHaveLength(1);
    slow.read();
    await expect.poll(() => slow.statesOf(session)).toEqual([{ running: 'steady' }, { paused: 'steady' }]);
  });

  it('is told how it ends where more happens at once than is told one by one', async () => {
    const { start, pause, resume, recorder } = await begin();
    await start('a');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const client = new Client();
    feed.join(client);
    vi.advanceTimersByTime(1000);
    for (let n = 0; n < 200; n++) for (const turn of [pause, resume]) await turn('a');
    await pause('a');
    vi.advanceTimersByTime(1000);
    const states = client.statesOf(recorder.container('a')?.session);
    expect(states.at(-1)).toEqual({ paused: 'steady' });
    expect(states.length).toBeLessThan(300);
  });

  it('costs no more than another does, and nothing while an actor has its step', async () => {
    const { start, pause, recorder } = await begin();
    await start('a');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const clients = [new Client(), new Client()];
    for (const client of clients) feed.join(client);
    vi.advanceTimersByTime(1000);
    let [steps, looks] = [0, 0];
    recorder.listen({
      stepped(_, step) {
        steps += 1;
        step.context = {
          get seen() {
            looks += 1;
            return looks;
          },
        };
      },
    });
    await pause('a');
    expect(looks).toBe(0);
    vi.advanceTimersByTime(1000);
    expect(looks).toBe(steps);
    expect(clients[0]?.statesOf(recorder.container('a')?.session).at(-1)).toEqual({ paused: 'steady' });
    expect(clients[1]?.texts).toEqual(clients[0]?.texts);
  });
});
