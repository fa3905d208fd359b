import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { createRecorder } from '../../src/history/recorder.ts';
import { type Inspector, startInspector } from '../../src/inspector/server.ts';

let inspector: Inspector;
let url: URL;
beforeEach(async () => {
  const recorder = createRecorder({ whole: true });
  const options = { host: '127.0.0.1', port: 0, id: 'm', secrets: false, page: 'the page' };
  inspector = await startInspector({ ...options, recorder, onTrouble: () => {} });
  url = new URL(inspector.url);
});
afterEach(() => inspector.close());

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
const KEY = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
const request = (target: string, headers = '') =>
  `GET ${target} HTTP/1.1\r\nHost: ${url.host}\r\n${headers}\r\n`;

/** A client that says whatever it likes, and does not hang up because the server has. */
async function connected(): Promise<net.Socket> {
  const client = net.connect({ host: url.hostname, port: Number(url.port), allowHalfOpen: true });
  await once(client, 'connect');
  return client;
}
async function statusOf(text: string): Promise<string | undefined> {
  const client = await connected();
  client.write(text);
  const [answer] = await once(client, 'data');
  client.destroy();
  return /^HTTP\/1.1 (\d+)/.exec(String(answer))?.[1];
}

describe('the live page’s server', () => {
  it('has its page for who has the token', async () => {
    expect(await (await fetch(inspector.url)).text()).toBe('the page');
  });

  it.each([
    ['//', '401'],
    ['//?token=a', '401'],
    ['/\\', '401'],
    ['//:99999/', '401'],
    ['http://elsewhere//', '400'],
    ['*', '400'],
  ])('refuses %s, to be read or to be followed, and goes on', async (target, status) => {
    expect(await statusOf(request(target))).toBe(status);
    expect(await statusOf(request(target, UPGRADE + KEY))).toBe(status);
    expect((await fetch(inspector.url)).status).toBe(200);
  });

  it('goes on where a client that it refuses to let follow resets the connection', async () => {
    for (let n = 0; n < 20; n++) {
      const client = await connected();
      client.write(request('/live', UPGRADE + KEY));
      client.resetAndDestroy();
    }
    expect((await fetch(inspector.url)).status).toBe(200);
  });

  it('keeps no connection of a client that it refuses to let follow, though that does not hang up', async () => {
    const client = await connected();
    const failed = once(client, 'error');
    client.write(request('/live', UPGRADE + KEY));
    client.resume();
    await once(client, 'end');
    // Whatever comes after is answered with a reset by a host where nobody has the connection.
    const talking = setInterval(() => client.write('still here'), 10);
    const [error] = await failed;
    clearInterval(talking);
    expect(error.code).toMatch(/ECONNRESET|EPIPE/);
  });

  describe('asks each half minute who is there still', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
    afterEach(() => void vi.useRealTimers());
    const live = () => `/live${url.search}`;

    it('and ends the connection of one that does not answer', async () => {
      const client = await connected();
      client.write(request(live(), UPGRADE + KEY));
      const [answer] = await once(client, 'data');
      expect(String(answer)).toContain(' 101 ');
      const ends = once(client, 'end');
      vi.advanceTimersByTime(60_000);
      client.resume();
      await ends;
      client.destroy();
    });

    it('and keeps that of one that does', async () => {
      const client = new WebSocket(`ws://${url.host}${live()}`);
      await once(client, 'open');
      for (let n = 0; n < 4; n++) {
        const asked = once(client, 'ping');
        vi.advanceTimersByTime(30_000);
        await asked;
        // Its answer has come before what it sends after.
        client.ping();
        await once(client, 'pong');
      }
      expect(client.readyState).toBe(WebSocket.OPEN);
      client.terminate();
    });
  });
});
