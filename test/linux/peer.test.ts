import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { peerCredentials, programName } from '../../src/linux/peer.ts';

const NOBODY = 65_534;

let folder: string;
let server: Server;
let children: ChildProcess[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'peer-'));
  chmodSync(folder, 0o755);
  server = createServer().listen(join(folder, 's'));
  await once(server, 'listening');
  chmodSync(join(folder, 's'), 0o666);
  children = [];
});
afterEach(async () => {
  server.close();
  for (const child of children) {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
  rmSync(folder, { recursive: true });
});

/** A program that connects and stays, and the descriptor of our end. */
async function connected(options: { uid?: number; name?: string } = {}) {
  const { uid, name = 'peer' } = options;
  const code = `require('fs').writeFileSync('/proc/self/comm', ${JSON.stringify(name)});
    require('net').connect(${JSON.stringify(join(folder, 's'))}).resume();`;
  const child = spawn(process.execPath, ['-e', code], {
    ...(uid !== undefined && { uid }),
    stdio: 'inherit',
  });
  children.push(child);
  const [socket] = (await once(server, 'connection')) as [Socket & { _handle: { fd: number } }];
  socket.on('error', () => {});
  return { pid: child.pid ?? 0, fd: socket._handle.fd };
}

it('says which process has connected, and as whom', async () => {
  const one = await connected();
  const other = await connected({ uid: NOBODY });
  expect(peerCredentials(one.fd)).toEqual({ pid: one.pid, uid: process.getuid?.() });
  expect(peerCredentials(other.fd)).toEqual({ pid: other.pid, uid: NOBODY });
});

it('refuses what is no socket', () => {
  const fd = openSync('/dev/null', 'r');
  expect(() => peerCredentials(fd)).toThrow(expect.objectContaining({ code: 'ENOTSOCK' }));
  closeSync(fd);
});

it('calls a program as it calls itself, which may be anything of 15 bytes', async () => {
  const names = ['ctr', 'two\nlines', 'cut after fifteen bytes'];
  const seen = [];
  for (const name of names) seen.push(programName((await connected({ name })).pid));
  expect(seen).toEqual(['ctr', 'two\nlines', 'cut after fifte']);
});

it('has no name for a process that is gone', async () => {
  const child = spawn('true');
  await once(child, 'exit');
  expect(programName(child.pid ?? 0)).toBe('');
});
