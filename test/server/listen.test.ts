import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect as connectSession, type OutgoingHttpHeaders } from 'node:http2';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { APIClient } from '../../src/generated/api.ts';
import { checked } from '../../src/linux/error.ts';
import { libc } from '../../src/linux/libc.ts';
import { type ApiServer, listen } from '../../src/server/listen.ts';
import type { ApiHandlers } from '../../src/server/service.ts';

const api = {
  state: (_call, callback) => callback(null, new Uint8Array()),
} as ApiHandlers;

let folder: string;
let socketPath: string;
let servers: ApiServer[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'listen-'));
  socketPath = join(folder, 'c.sock');
  servers = [];
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

async function serve(path = socketPath): Promise<void> {
  servers.push(await listen({ api }, { socketPath: path }));
}

/** Whether somebody answers there. */
function isServed(path = socketPath): Promise<boolean> {
  const client = new APIClient(`unix:${path}`, credentials.createInsecure());
  return new Promise((resolve) => {
    client.state({}, (error) => {
      client.close();
      resolve(error === null);
    });
  });
}

/** The server of a path; Node has no public way to it. */
function doorOf(path: string): Server {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): object[] };
  const isDoor = (it: object): it is Server => 'address' in it && (it as Server).address() === path;
  const door = handles.call(process).find(isDoor);
  if (door === undefined) throw new Error(`nobody listens on ${path}`);
  return door;
}

/** Leaves a socket behind as a process does that is killed. */
async function leaveSocket(): Promise<void> {
  const code = `require('net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 9))`;
  await once(spawn(process.execPath, ['-e', code]), 'exit');
}

const socketCall: (domain: number, type: number, protocol: number) => number = libc.func(
  'int socket(int domain, int type, int protocol)',
);
const bindCall: (fd: number, address: Uint8Array, byteLength: number) => number = libc.func(
  'int bind(int fd, const void *address, uint byteLength)',
);
const [AF_UNIX, SOCK_DGRAM] = [1, 2];

/** A socket such as a system log has, to which nobody can be connected. */
function bindDatagramSocket(path: string): number {
  const fd = checked('socket', socketCall(AF_UNIX, SOCK_DGRAM, 0));
  const family = Buffer.from(Uint16Array.of(AF_UNIX).buffer);
  const address = Buffer.concat([family, Buffer.from(`${path}\0`)]);
  checked('bind', bindCall(fd, address, address.length));
  return fd;
}

describe('the daemon’s socket', () => {
  it('is there once it listens, and can be written to by owner and group', async () => {
    await serve();
    expect(statSync(socketPath).mode & 0o7777).toBe(0o660);
    expect(await isServed()).toBe(true);
  });

  it('does not change what other files may be, not even while it is made', async () => {
    const umask = process.umask;
    const before = umask();
    const seen: number[] = [];
    vi.spyOn(process, 'umask').mockImplementation((mask) => {
      process.nextTick(() => seen.push(umask()));
      return umask(mask);
    });
    await serve();
    expect(new Set(seen)).toEqual(new Set([before]));
    expect(umask()).toBe(before);
  });

  it('is gone once it is closed, and another can take its place at once', async () => {
    await serve();
    servers.pop()?.close();
    expect(existsSync(socketPath)).toBe(false);
    await serve();
    expect(await isServed()).toBe(true);
  });

  it('is made in a folder that is made for it, through which all may pass', async () => {
    const path = join(folder, 'a/b/c.sock');
    await serve(path);
    expect(await isServed(path)).toBe(true);
    expect(statSync(join(folder, 'a/b')).mode & 0o777).toBe(0o711);
  });

  it.each(['with blanks', '%41', 'ü', 'a:b', '#?'])('may be called %j', async (name) => {
    await serve(join(folder, name));
    expect(existsSync(join(folder, name))).toBe(true);
    expect(await isServed(join(folder, name))).toBe(true);
  });

  it('is still served after a connection that could not be taken, which is told', async () => {
    const troubles: Error[] = [];
    servers.push(await listen({ api }, { socketPath, onTrouble: (error) => troubles.push(error) }));
    const refused = new Error('accept ENOMEM');
    doorOf(socketPath).emit('error', refused);
    expect(troubles).toEqual([refused]);
    expect(await isServed()).toBe(true);
  });

  it('replaces one that a daemon has left behind', async () => {
    await leaveSocket();
    expect(lstatSync(socketPath).isSocket()).toBe(true);
    await serve();
    expect(await isServed()).toBe(true);
  });
});

describe('what is in the place of the socket', () => {
  it('is left alone where it is a daemon’s that lives', async () => {
    await serve();
    await expect(serve()).rejects.toThrow(`somebody else listens on ${socketPath}`);
    expect(await isServed()).toBe(true);
  });

  it('is left alone where it is a daemon’s that is too busy to be connected to', async () => {
    const code = `require('net').createServer().listen({ path: ${JSON.stringify(socketPath)}, backlog: 1 }, () => {
      console.log();
    })`;
    const busy: ChildProcess = spawn(process.execPath, ['-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(busy.stdout as NodeJS.ReadableStream, 'data');
    busy.kill('SIGSTOP');
    const waiting: Socket[] = [];
    try {
      for (let isFull = false; !isFull; ) {
        const socket = connect(socketPath);
        waiting.push(socket);
        isFull = await Promise.race([
          once(socket, 'connect').then(() => false),
          once(socket, 'error').then(
            () => true,
            () => true,
          ),
        ]).catch(() => true);
      }
      await expect(serve()).rejects.toThrow(/listens on/);
      expect(lstatSync(socketPath).isSocket()).toBe(true);
    } finally {
      for (const socket of waiting) socket.destroy();
      const exit = once(busy, 'exit');
      busy.kill('SIGKILL');
      await exit;
    }
  });

  it('is left alone where it is another program’s socket of another kind', async () => {
    const fd = bindDatagramSocket(socketPath);
    servers.push({ close: () => closeSync(fd) });
    await expect(serve()).rejects.toThrow(socketPath);
    expect(lstatSync(socketPath).isSocket()).toBe(true);
  });

  it.each([
    ['a file', () => writeFileSync(socketPath, 'mine')],
    ['a folder', () => mkdirSync(socketPath)],
    ['a link to nothing', () => symlinkSync('/nowhere', socketPath)],
  ])('is left alone where it is %s', async (_, make) => {
    make();
    const before = lstatSync(socketPath);
    await expect(serve()).rejects.toThrow(`${socketPath} is there and is no socket; it is left alone`);
    expect(lstatSync(socketPath).ino).toBe(before.ino);
    if (before.isFile()) expect(readFileSync(socketPath, 'utf8')).toBe('mine');
  });

  it('is left alone where it is a link, even to a socket', async () => {
    const other: Server = createServer().listen(join(folder, 'other.sock'));
    await once(other, 'listening');
    symlinkSync('other.sock', socketPath);
    await expect(serve()).rejects.toThrow(/is no socket/);
    expect(lstatSync(socketPath).isSymbolicLink()).toBe(true);
    other.close();
  });

  it('is said to be in the way where it is a file in the place of the folder', async () => {
    writeFileSync(join(folder, 'a'), '');
    await expect(serve(join(folder, 'a/c.sock'))).rejects.toThrow(/ENOTDIR|EEXIST/);
  });
});

describe('a call whose deadline passes before its client has asked to the end', () => {
  const NO_FIELDS = Buffer.alloc(5);

  it.each(['Signal', 'Events'])('is not handled any more (%s)', async (method) => {
    const handled: string[] = [];
    const note = () => void handled.push(method);
    servers.push(await listen({ api: { ...api, signal: note, events: note } }, { socketPath }));
    const session = connectSession('http://localhost', { createConnection: () => connect(socketPath) });
    const request = (name: string, more: OutgoingHttpHeaders = {}) =>
      session.request({
        ':method': 'POST',
        ':path': `/types.API/${name}`,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...more,
      });
    const call = request(method, { 'grpc-timeout': '1m' });
    call.write(NO_FIELDS);
    const [headers] = await once(call, 'response');
    expect(headers['grpc-status']).toBe(String(status.DEADLINE_EXCEEDED));
    call.end();
    // What is asked next on the connection is answered after all that came before.
    await once(request('State').end(NO_FIELDS).resume(), 'end');
    expect(handled).toEqual([]);
    session.destroy();
  });
});
