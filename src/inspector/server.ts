import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { InspectAddress } from '../cli/daemon-flags.ts';
import type { Recorder } from '../history/recorder.ts';
import { countStates } from '../history/state-counts.ts';
import { refusalOf, targetOf } from './admission.ts';
import { createFeed, type Watcher } from './feed.ts';
import { bridgePage, createStatelyFeed, STATELY_ORIGINS } from './stately.ts';
import type { FromPage } from './wire.ts';

export type InspectorOptions = InspectAddress & {
  recorder: Recorder;
  /** How the daemon calls itself. */
  id: string;
  /** Shows args and env whole. */
  secrets: boolean;
  /** The page, an HTML document without anything beside it. */
  page: string;
  /** A connection could not be taken. */
  onTrouble: (error: Error) => void;
};

export type Inspector = {
  /** Of the page, with the token in it. */
  readonly url: string;
  close(): void;
};

/** More are told to come later. */
const MAX_WATCHERS = 64;
/** Any user of the host may connect, who has no token: a browser has six for a page, and a WebSocket. */
const MAX_CONNECTIONS = 8 * MAX_WATCHERS;
/** How long one may leave unanswered whether it is there. */
const PING_MS = 30_000;
/** Pages send a few words. */
const MAX_MESSAGE_BYTES = 4096;

/** The page may do nothing but run its own script and talk to the daemon. */
const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/**
 * Serves the live page (`/`), its stream (`/live`), and the same for Stately's inspector (`/stately`, to a browser a
 * page, to a WebSocket the events). Rejects where it cannot listen.
 */
export async function startInspector(options: InspectorOptions): Promise<Inspector> {
  const { host, port, recorder, id, secrets, page, onTrouble } = options;
  const token = randomBytes(24).toString('base64url');
  const counts = countStates(recorder);
  const feed = createFeed({ id, recorder, counts, secrets });
  const stately = createStatelyFeed({ recorder, secrets });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  const admission = { token, names: [host] };
  const pathOf = ({ url = '/' }: IncomingMessage): string => targetOf(url)?.pathname ?? '';
  const askedOf = ({ url = '/', headers }: IncomingMessage) => ({
    url,
    host: headers.host,
    origin: headers.origin,
  });

  const server = createServer((request, response) => {
    const refusal = refusalOf(askedOf(request), admission);
    if (refusal !== undefined) return answer(response, refusal.status, refusal.words);
    if (request.method !== 'GET') return answer(response, 405, 'There is only something to GET here.');
    const path = pathOf(request);
    if (path === '/') response.writeHead(200, HEADERS).end(page);
    else if (path === '/stately') response.writeHead(200, HEADERS).end(bridgePage(token));
    else answer(response, 404, 'There is no such page.');
  });

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Node has let go of it: nobody else hears that it was reset.
    socket.on('error', () => socket.destroy());
    const path = pathOf(request);
    const origins = path === '/stately' ? STATELY_ORIGINS : [];
    const refusal = refusalOf(askedOf(request), { ...admission, origins });
    const status = refusal?.status ?? (path === '/live' || path === '/stately' ? undefined : 404);
    const full = feed.watchers + stately.watchers >= MAX_WATCHERS ? 503 : undefined;
    if (status !== undefined || full !== undefined) {
      // Or whoever sent it could keep it, its own side open.
      socket.once('finish', () => socket.destroy());
      socket.end(`HTTP/1.1 ${status ?? full} Refused\r\nConnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      // One that has gone is heard of by its end.
      client.on('error', () => {});
      endOnceSilent(client);
      if (path === '/live') live(client);
      else client.on('close', stately.join(client));
    });
  });

  function live(client: WebSocket): void {
    const watcher: Watcher = feed.join(client);
    client.on('message', (data) => {
      const message = messageOf(String(data));
      if (message?.type === 'watch') watcher.watch(message.session);
      else client.close(1003);
    });
    client.on('close', () => watcher.leave());
  }

  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  server.removeAllListeners('error').on('error', onTrouble);
  const address = server.address();
  const shownHost = host.includes(':') ? `[${host}]` : host;
  const shownPort = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${shownHost}:${shownPort}/?token=${token}`,
    close() {
      for (const client of sockets.clients) client.terminate();
      feed.end();
      stately.end();
      counts.end();
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8' }).end(`${words}\n`);
}

/** One whose host is gone says nothing of it, and where nothing happens nobody would notice. */
function endOnceSilent(client: WebSocket): void {
  let answered = true;
  const timer = setInterval(() => {
    if (!answered) return client.terminate();
    answered = false;
    client.ping();
  }, PING_MS).unref();
  client.on('pong', () => {
    answered = true;
  });
  client.on('close', () => clearInterval(timer));
}

/** Undefined for what no page of ours sends. */
function messageOf(text: string): FromPage | undefined {
  try {
    const { type, session } = JSON.parse(text) as Partial<FromPage>;
    return type === 'watch' && typeof session === 'string' ? { type, session } : undefined;
  } catch {
    return undefined;
  }
}
