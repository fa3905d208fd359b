import { closeSync, readSync, writeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readNow } from '../../src/linux/descriptor.ts';
import { createEventfd } from '../../src/linux/eventfd.ts';
import { watchFd } from '../../src/linux/watch.ts';
import { within } from './deadline.ts';

const raise = (fd: number, by: bigint): void => {
  const count = Buffer.alloc(8);
  count.writeBigUInt64LE(by);
  writeSync(fd, count);
};

test('an eventfd has nothing to read until it is raised, then what it was raised by, once', () => {
  const fd = createEventfd();
  expect(readNow(fd, Buffer.alloc(8))).toBeUndefined();
  raise(fd, 2n);
  raise(fd, 3n);
  const count = Buffer.alloc(8);
  expect(readSync(fd, count)).toBe(8);
  expect(count.readBigUInt64LE()).toBe(5n);
  expect(readNow(fd, Buffer.alloc(8))).toBeUndefined();
  closeSync(fd);
});

test('an eventfd can be waited for', async () => {
  const fd = createEventfd();
  const readable = new Promise<void>((resolve) => {
    const watch = watchFd(fd, { readable: true }, () => {
      watch.close();
      resolve();
    });
  });
  raise(fd, 1n);
  await within(15_000, 'the event', readable);
  closeSync(fd);
});
