import { createServer, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { crashPoint } from '../crash-point.ts';
import type { Exited, Frame } from '../generated/shim.ts';
import { type Body, encodeFrame, FrameDecoder, VERSION } from './frames.ts';
import { answer, type Services } from './requests.ts';

/** Nobody but the owner may connect (the mode of the socket's file is 0777 less this). */
const SOCKET_UMASK = 0o177;

export type ServerOptions = {
  socketPath: string;
  services: Services;
  /** A daemon has come, or the last one has gone. */
  onDaemon: (connected: boolean) => void;
  log: Logger;
};

export type Server = {
  /** Tells the daemon, if there is one, of an exit. */
  tell(exit: Exited): void;
};

/**
 * Serves proto/shim.proto to one daemon at a time, the last that said hello; resolves once it listens. A peer that does
 * not keep to the contract is hung up on.
 */
export async function serve({ socketPath, services, onDaemon, log }: ServerOptions): Promise<Server> {
  const { processes } = services;
  let daemon: Socket | undefined;

  const welcome = (socket: Socket, id: number): void => {
    daemon?.destroy();
    daemon = socket;
    const value = {
      version: VERSION,
      pid: process.pid,
      processes: processes.started(),
      starting: processes.starting(),
    };
    send(socket, id, { $case: 'welcome', value });
    for (const exit of processes.exits()) {
      send(socket, 0, { $case: 'exited', value: exit });
    }
    log.info({ processes: value.processes.length }, 'a daemon has connected');
    onDaemon(true);
    crashPoint('shim.welcomed');
  };
  const receive = async (socket: Socket, { id, body }: Frame): Promise<void> => {
    if (socket === daemon) {
      send(socket, id, await answer(services, body));
      crashPoint('shim.answered');
    } else if (body?.$case === 'hello') {
      welcome(socket, id);
    } else {
      throw new Error('the first frame is no hello, or a later daemon has taken over');
    }
  };
  const hangUp = (socket: Socket, error: unknown): void => {
    log.warn({ err: error }, 'a peer was hung up on');
    socket.destroy();
  };

  const server = createServer((socket) => {
    const decoder = new FrameDecoder();
    socket.on('data', (chunk) => {
      try {
        for (const frame of decoder.push(chunk)) {
          receive(socket, frame).catch((error) => hangUp(socket, error));
        }
      } catch (error) {
        hangUp(socket, error);
      }
    });
    socket.on('error', (error) => log.warn({ err: error }, 'a connection failed'));
    socket.on('close', () => {
      if (socket === daemon) {
        daemon = undefined;
        log.info('the daemon has gone');
        onDaemon(false);
      }
    });
  });
  await listen(server, socketPath);
  return {
    tell(exit) {
      if (daemon !== undefined) {
        send(daemon, 0, { $case: 'exited', value: exit });
      }
    },
  };
}

function send(socket: Socket, id: number, body: Body): void {
  if (socket.writable) {
    socket.write(encodeFrame(id, body));
  }
}

/** The file is made with the right mode rather than given it later, when somebody may have connected. */
function listen(server: ReturnType<typeof createServer>, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const umask = process.umask(SOCKET_UMASK);
    // Binds before it returns.
    server.listen(path, resolve);
    process.umask(umask);
  });
}
