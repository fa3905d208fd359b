import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { receiveDescriptor } from '../../src/linux/descriptor-socket.ts';
import { descriptorLimit, setDescriptorLimit } from '../../src/linux/rlimit.ts';
import { within } from './deadline.ts';
import { descriptorsOf } from './descriptors.ts';
import { sendDescriptors } from './send-descriptor.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rights-'));
  path = join(directory, 'console.sock');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Of what is here: other descriptors the test runner may open at any time. */
const openDescriptors = (): number =>
  descriptorsOf((target) => target.startsWith(directory) || target.startsWith('socket:')).length;

test('the descriptor that a peer sends is received, and everything else is closed', async () => {
  writeFileSync(join(directory, 'file'), 'from the other side');
  const before = openDescriptors();
  const received = new Promise<number>((resolve) => receiveDescriptor(path, resolve));
  expect(statSync(path).mode & 0o777).toBe(0o600);

  const files = [openSync(join(directory, 'file'), 'r'), openSync('/dev/null', 'r')];
  sendDescriptors(path, ...files);
  const fd = await within(5_000, 'the descriptor', received);
  expect(readFileSync(fd, 'utf8')).toBe('from the other side');
  expect(files).not.toContain(fd);
  for (const open of [...files, fd]) {
    closeSync(open);
  }
  expect(openDescriptors()).toBe(before);
});

test('a peer that sends no descriptor is hung up on, and the next one is heard', async () => {
  const received = new Promise<number>((resolve) => receiveDescriptor(path, resolve));
  sendDescriptors(path);
  const fd = openSync('/dev/null', 'r');
  sendDescriptors(path, fd);
  closeSync(await within(5_000, 'the descriptor', received));
  closeSync(fd);
});

test('a peer that comes while there are no descriptors to be had is heard once there are again', async () => {
  const received = new Promise<number>((resolve) => receiveDescriptor(path, resolve));
  const fd = openSync('/dev/null', 'r');
  sendDescriptors(path, fd);
  const limit = descriptorLimit();
  setDescriptorLimit({ ...limit, soft: 3n });
  // A turn of the loop, in which the peer is not heard.
  await setImmediate();
  await setImmediate();
  setDescriptorLimit(limit);
  closeSync(await within(5_000, 'the descriptor', received));
  closeSync(fd);
});

test('closing the socket leaves no descriptor open', () => {
  const before = openDescriptors();
  receiveDescriptor(path, () => {}).close();
  expect(openDescriptors()).toBe(before);
});

test('a path that is taken or too long is refused', () => {
  const socket = receiveDescriptor(path, () => {});
  expect(() => receiveDescriptor(path, () => {})).toThrow(`bind ${path}: address already in use`);
  expect(() => receiveDescriptor(join(directory, 'x'.repeat(108)), () => {})).toThrow('file name too long');
  socket.close();
});
