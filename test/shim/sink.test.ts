import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readNow, writeNow } from '../../src/linux/descriptor.ts';
import { descriptorLimit, setDescriptorLimit } from '../../src/linux/rlimit.ts';
import { openSink } from '../../src/shim/stdio/open.ts';
import { createSink, type Sink } from '../../src/shim/stdio/sink.ts';

let directory: string;
let path: string;
let sink: Sink;
let before: number;
/** How many descriptors of the FIFO there are: of other files the test runner may open some at any time. */
const openDescriptors = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => targetOf(fd) === path).length;
function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
const openReader = (): number => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sink-'));
  path = join(directory, 'fifo');
  execFileSync('mkfifo', [path]);
  before = openDescriptors();
  const opened = await openSink(path);
  // What held on to it while it was looked at is closed on another thread.
  await expect.poll(openDescriptors).toBe(before + 1);
  vi.useFakeTimers();
  sink = createSink(opened);
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true });
});

test('a FIFO is closed where there are no descriptors for it', async () => {
  sink.close();
  vi.useRealTimers();
  const opened = await openSink(path);
  await expect.poll(openDescriptors).toBe(before + 1);
  const limit = descriptorLimit();
  setDescriptorLimit({ ...limit, soft: 3n });
  try {
    expect(() => createSink(opened)).toThrow('EMFILE');
  } finally {
    setDescriptorLimit(limit);
  }
  expect(openDescriptors()).toBe(before);
});

const words = Buffer.from('words');

test('a FIFO can be written while its reader is away, for as long as the process runs', () => {
  closeSync(openReader());
  vi.advanceTimersByTime(60_000);
  expect(writeNow(sink.fd, words)).toBe(words.length);
  sink.close();
});

test('ten seconds after the process has ended, a FIFO without a reader takes nothing more', () => {
  sink.processEnded();
  vi.advanceTimersByTime(9_999);
  expect(writeNow(sink.fd, words)).toBe(words.length);
  vi.advanceTimersByTime(1);
  expect(() => writeNow(sink.fd, words)).toThrow(expect.objectContaining({ code: 'EPIPE' }));
  sink.close();
});

test('a FIFO with a reader, however slow, is written to the end', () => {
  const reader = openReader();
  sink.processEnded();
  vi.advanceTimersByTime(60_000);
  expect(writeNow(sink.fd, words)).toBe(words.length);
  sink.close();
  expect(openDescriptors()).toBe(before + 1);
  expect(readNow(reader, Buffer.alloc(16))).toBe(words.length);
  expect(readNow(reader, Buffer.alloc(16))).toBe(0);
  closeSync(reader);
});

test('a FIFO that is empty is closed at once', () => {
  sink.close();
  expect(openDescriptors()).toBe(before);
});

test('what nobody has begun to read is kept for ten seconds, and not longer', () => {
  const onClosed = vi.fn();
  writeNow(sink.fd, words);
  sink.close(onClosed);
  vi.advanceTimersByTime(9_000);
  expect(openDescriptors()).toBe(before + 1);
  expect(onClosed).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1_100);
  expect(openDescriptors()).toBe(before);
  expect(onClosed).toHaveBeenCalledOnce();
});

test('what had no room for ten seconds after the process has ended is not kept for ten more', () => {
  writeNow(sink.fd, words);
  sink.processEnded();
  vi.advanceTimersByTime(10_000);
  sink.close();
  expect(openDescriptors()).toBe(before);
});

test('a reader that comes late has the words and their end soon', () => {
  writeNow(sink.fd, words);
  sink.close();
  vi.advanceTimersByTime(5_000);
  const reader = openReader();
  vi.advanceTimersByTime(100);
  expect(readNow(reader, Buffer.alloc(16))).toBe(words.length);
  expect(readNow(reader, Buffer.alloc(16))).toBe(0);
  closeSync(reader);
});
