import { closeSync, constants, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readNow, setNonblocking, writeNow } from '../../src/linux/descriptor.ts';
import { openPty } from '../../src/linux/pty.ts';
import {
  endOfFile,
  makeRaw,
  setTerminalSettings,
  setWindowSize,
  terminalSettings,
  windowSize,
} from '../../src/linux/terminal.ts';

function withTerminal(use: (master: number, slave: number) => void): void {
  const { master, path } = openPty();
  const slave = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
  try {
    use(master, slave);
  } finally {
    closeSync(slave);
    closeSync(master);
  }
}

test('a window size set at one end of a terminal is seen at the other', () => {
  withTerminal((master, slave) => {
    expect(windowSize(slave)).toEqual({ width: 0, height: 0 });
    setWindowSize(master, { width: 132, height: 43 });
    expect(windowSize(slave)).toEqual({ width: 132, height: 43 });
  });
});

test('a raw terminal passes what is typed at once and without echo, and can be set back', () => {
  withTerminal((master, slave) => {
    setNonblocking(master);
    setNonblocking(slave);
    const before = makeRaw(slave);
    writeNow(master, Buffer.from('\x03x'));
    const typed = Buffer.alloc(16);
    expect(readNow(slave, typed)).toBe(2);
    expect(readNow(master, Buffer.alloc(16))).toBeUndefined();

    setTerminalSettings(slave, before);
    expect(terminalSettings(slave)).toEqual(before);
  });
});

test('the end of file is typed twice to a terminal that reads lines, and once to one that is raw', () => {
  withTerminal((master, slave) => {
    expect(endOfFile(master)).toEqual(Buffer.of(4, 4));
    makeRaw(slave);
    expect(endOfFile(master)).toEqual(Buffer.of(4));
  });
});

test('what is no terminal says so', () => {
  const fd = openSync('/dev/null', 'r');
  expect(() => windowSize(fd)).toThrow('inappropriate ioctl for device');
  expect(() => makeRaw(fd)).toThrow(expect.objectContaining({ code: 'ENOTTY' }));
  closeSync(fd);
});
