import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { duplicate, pendingBytes, readNow, setNonblocking, writeNow } from '../../src/linux/descriptor.ts';
import { createEventfd } from '../../src/linux/eventfd.ts';
import { flock } from '../../src/linux/flock.ts';
import { createPipe } from '../../src/linux/pipe.ts';
import { splice, spliceAside } from '../../src/linux/splice.ts';
import { watchFd } from '../../src/linux/watch.ts';
import { within } from './deadline.ts';

const directory = mkdtempSync(join(tmpdir(), 'descriptor-'));
afterAll(() => rmSync(directory, { recursive: true }));

const PIPE_BYTES = 65_536;

test('a pipe’s non-blocking ends report that they would wait, and their end', () => {
  const { read, write } = createPipe({ read: true, write: true });
  const target = Buffer.alloc(PIPE_BYTES);
  expect(readNow(read, target)).toBeUndefined();
  expect(writeNow(write, Buffer.alloc(PIPE_BYTES + 1))).toBe(PIPE_BYTES);
  expect(writeNow(write, Buffer.alloc(1))).toBeUndefined();
  expect(pendingBytes(read)).toBe(PIPE_BYTES);
  expect(readNow(read, target)).toBe(PIPE_BYTES);
  closeSync(write);
  expect(readNow(read, target)).toBe(0);
  closeSync(read);
});

test('writing where nobody reads any more is EPIPE, not the end of the process', () => {
  const { read, write } = createPipe({ write: true });
  closeSync(read);
  expect(() => writeNow(write, Buffer.alloc(1))).toThrow(expect.objectContaining({ code: 'EPIPE' }));
  closeSync(write);
});

test('splice moves bytes between pipes and tells waiting, moved and ended apart', () => {
  const source = createPipe({ read: true });
  const target = createPipe({ read: true, write: true });
  expect(splice(source.read, target.write, PIPE_BYTES)).toBeUndefined();
  writeNow(source.write, Buffer.from('some bytes'));
  expect(splice(source.read, target.write, PIPE_BYTES)).toBe(10);
  closeSync(source.write);
  expect(splice(source.read, target.write, PIPE_BYTES)).toBe(0);
  for (const fd of [source.read, target.read, target.write]) {
    closeSync(fd);
  }
});

test('splice aside moves bytes to a file, and names the error of the thread that it ran on', async () => {
  const path = join(directory, 'file');
  const { read, write } = createPipe({ read: true });
  const bytes = randomBytes(5_000);
  writeNow(write, bytes);
  const file = openSync(path, 'w');
  expect(await spliceAside(read, file, PIPE_BYTES)).toBe(bytes.length);
  expect(await spliceAside(read, file, PIPE_BYTES)).toBeUndefined();
  closeSync(file);
  const hash = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
  expect(hash(readFileSync(path))).toBe(hash(bytes));
  await expect(spliceAside(read, 9_999, PIPE_BYTES)).rejects.toThrow(
    expect.objectContaining({ code: 'EBADF' }),
  );
  closeSync(read);
  closeSync(write);
});

test('a watch reports readability, room to write and a peer that has gone, as asked', async () => {
  const { read, write } = createPipe({ read: true, write: true });
  const seen: string[] = [];
  await within(
    5_000,
    'readability',
    new Promise<void>((resolve) => {
      const watch = watchFd(read, { readable: true }, ({ readable, writable }) => {
        seen.push(`${readable} ${writable}`);
        watch.close();
        watch.close();
        resolve();
      });
      writeNow(write, Buffer.alloc(PIPE_BYTES));
    }),
  );
  expect(seen).toEqual(['true false']);

  await within(
    5_000,
    'writability, then the reader’s end',
    new Promise<void>((resolve) => {
      const watch = watchFd(write, {}, ({ failed }) => {
        if (failed) {
          watch.close();
          resolve();
        } else {
          closeSync(read);
        }
      });
      watch.expect({ writable: true });
      readNow(read, Buffer.alloc(PIPE_BYTES));
    }),
  );
  closeSync(write);
});

test('two descriptors of one open file can be watched side by side', async () => {
  const { read, write } = createPipe({ read: true });
  const second = duplicate(read);
  const watched = [read, second].map(
    (fd) =>
      new Promise<void>((resolve) => {
        const watch = watchFd(fd, { readable: true }, () => {
          watch.close();
          resolve();
        });
      }),
  );
  closeSync(write);
  await within(5_000, 'both ends', Promise.all(watched));
  closeSync(read);
  closeSync(second);
});

test('an eventfd is readable once it has been raised', () => {
  const fd = createEventfd();
  const value = Buffer.alloc(8);
  expect(readNow(fd, value)).toBeUndefined();
  value.writeBigUInt64LE(3n);
  writeNow(fd, value);
  value.fill(0);
  expect(readNow(fd, value)).toBe(8);
  expect(value.readBigUInt64LE()).toBe(3n);
  closeSync(fd);
});

test('a file is locked by one holder until it releases the lock', () => {
  const path = join(directory, 'lock');
  const first = flock(path);
  expect(first).toBeDefined();
  expect(flock(path)).toBeUndefined();
  first?.release();
  const second = flock(path);
  expect(second).toBeDefined();
  second?.release();
});

test('a descriptor can be made non-blocking later', () => {
  const { read, write } = createPipe();
  setNonblocking(read);
  expect(readNow(read, Buffer.alloc(1))).toBeUndefined();
  closeSync(read);
  closeSync(write);
});
