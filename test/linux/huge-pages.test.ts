import { closeSync, existsSync, openSync, readSync, writeSync } from 'node:fs';
import os from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { checked } from '../../src/linux/error.ts';
import { collapseIntoHugePages } from '../../src/linux/huge-pages.ts';
import { libc } from '../../src/linux/libc.ts';

const [major = 0, minor = 0] = os.release().split('.').map(Number);
const canCollapse =
  existsSync('/sys/kernel/mm/transparent_hugepage') && (major > 6 || (major === 6 && minor >= 1));
const MIB = 1024 * 1024;
const memfdCreate: (name: string, flags: number) => number = libc.func(
  'int memfd_create(const char *name, unsigned int flags)',
);

describe('a file in memory', () => {
  const fds: number[] = [];
  afterEach(() => fds.splice(0).forEach(closeSync));

  const fileOf = (byteLength: number): number => {
    const fd = checked('memfd_create', memfdCreate('pages', 0));
    fds.push(fd);
    writeSync(fd, Buffer.alloc(byteLength, 'x'));
    return fd;
  };

  test.runIf(canCollapse)('has huge pages as far as it fills them, and holds what it held', () => {
    const fd = fileOf(5 * MIB);
    expect(collapseIntoHugePages(fd, 5 * MIB)).toBe(true);
    const bytes = Buffer.alloc(8 * MIB);
    expect(readSync(fd, bytes, 0, bytes.length, 0)).toBe(5 * MIB);
    expect(bytes.subarray(0, 5 * MIB).every((byte) => byte === 'x'.charCodeAt(0))).toBe(true);
  });

  test('that is smaller than a huge page stays as it is', () => {
    expect(collapseIntoHugePages(fileOf(MIB), MIB)).toBe(false);
  });

  test('of another kind stays as it is, and nothing stays mapped', () => {
    const fd = openSync('/dev/null', 'r');
    fds.push(fd);
    expect(collapseIntoHugePages(fd, 4 * MIB)).toBe(false);
    expect(collapseIntoHugePages(-1, 4 * MIB)).toBe(false);
  });
});
