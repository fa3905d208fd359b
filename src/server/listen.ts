import { once } from 'node:events';
import { lchown, lstat, mkdir, unlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { Server, ServerCredentials, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { introduce } from './peer.ts';
import { type ApiHandlers, apiService } from './service.ts';
import { type InspectHandlers, inspectService } from './watch.ts';

/** Owner and group may connect (unix(7): to connect is to write). */
const SOCKET_UMASK = 0o117;

/**
 * Has nobody handle a call that has been answered: without an interceptor, grpc-js hands one whose deadline has passed to
 * its handler as soon as its client has asked to the end, and never says that it is over.
 */
const untilAnswered: ServerInterceptor = (_method, call) => new ServerInterceptingCall(call);

/** A daemon's API on its socket. */
export type ApiServer = {
  /** Takes no more calls, ends the streams, and removes the socket. */
  close(): void;
};

/** What is served: the API, and what tells of the actors where it is given. */
export type Services = { api: ApiHandlers; inspect?: InspectHandlers };

export type ListenOptions = {
  socketPath: string;
  group?: number | undefined;
  /** A connection could not be taken, for want of memory say: the next one may be. */
  onTrouble?: (error: Error) => void;
};

/**
 * Serves on a unix socket (a path), to a group by its id where that is not this process's own. A socket that nobody
 * listens on is replaced. Throws where somebody does, and where the path is something else, which is left alone.
 */
export async function listen(
  { api, inspect }: Services,
  { socketPath, group, onTrouble = () => {} }: ListenOptions,
): Promise<ApiServer> {
  await mkdir(path.dirname(socketPath), { recursive: true, mode: 0o711 });
  await makeRoom(socketPath);
  const server = new Server({ 'grpc.max_concurrent_streams': 100_000, interceptors: [untilAnswered] });
  server.addService(apiService, api);
  if (inspect !== undefined) server.addService(inspectService, inspect);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const door = createServer((socket) => {
    introduce(socket);
    injector.injectConnection(socket);
  });
  // Node makes the socket at once: no other file is made under that umask.
  const before = process.umask(SOCKET_UMASK);
  door.listen(socketPath);
  process.umask(before);
  await once(door, 'listening');
  // Without, Node takes the failure of one accept(2) for the end of the program.
  door.on('error', onTrouble);
  if (group !== undefined) await lchown(socketPath, process.geteuid?.() ?? 0, group);
  return {
    close() {
      door.close();
      server.forceShutdown();
    },
  };
}

async function makeRoom(socketPath: string): Promise<void> {
  const info = await lstat(socketPath).catch(() => undefined);
  if (info === undefined) return;
  if (!info.isSocket()) throw new Error(`${socketPath} is there and is no socket; it is left alone`);
  if (await isAlive(socketPath)) throw new Error(`somebody else listens on ${socketPath}`);
  await unlink(socketPath);
}

/** Whether anybody has it: whoever cannot be connected to now, as it is busy or of another kind, is there too. */
function isAlive(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED'));
  });
}
