import { mkdtempSync, readdirSync, readlinkSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createKernelFiles } from '../../src/cgroup/kernel-files.ts';
import { descriptorLimit, setDescriptorLimit } from '../../src/linux/rlimit.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kernel-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const make = (name: string, text: string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
};
const rewrite = (file: string, text: string): void => {
  truncateSync(file);
  writeFileSync(file, text, { flag: 'r+' });
};
/** How many descriptors of this process are files of the test. */
const held = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false;
    }
  }).length;

it('a file is read from its beginning each time, and kept open until it is closed', () => {
  const name = make('a', 'one\n');
  const file = createKernelFiles(1).open(name);
  expect(held()).toBe(0);
  expect(file.read()).toBe('one\n');
  rewrite(name, 'longer\n');
  expect(file.read()).toBe('longer\n');
  expect(held()).toBe(1);
  file.close();
  file.close();
  expect(held()).toBe(0);
});

it('a file is read to its end, however long', () => {
  const text = `${'x'.repeat(99)}\n`.repeat(3000);
  expect(createKernelFiles(1).open(make('long', text)).read()).toBe(text);
});

it('no more files are kept open than allowed; the others are read all the same', () => {
  const files = createKernelFiles(2);
  const opened = ['a', 'b', 'c', 'd'].map((name) => files.open(make(name, name)));
  for (let round = 0; round < 3; round++)
    expect(opened.map((file) => file.read())).toEqual(['a', 'b', 'c', 'd']);
  expect(held()).toBe(2);
  for (const file of opened) file.close();
  expect(held()).toBe(0);
});

it('a file that is not there is gone, and is not looked for again', () => {
  const file = createKernelFiles(1).open(path.join(folder, 'late'));
  expect(file.isGone()).toBe(false);
  expect(file.read()).toBeUndefined();
  make('late', 'here');
  expect(file.read()).toBeUndefined();
  expect(file.isGone()).toBe(true);
});

it('a file for which there is no descriptor is an error, and there again once there is one', () => {
  const file = createKernelFiles(1).open(make('a', 'here'));
  const limit = descriptorLimit();
  setDescriptorLimit({ ...limit, soft: 3n });
  try {
    expect(() => file.read()).toThrow('EMFILE');
  } finally {
    setDescriptorLimit(limit);
  }
  expect(file.isGone()).toBe(false);
  expect(file.read()).toBe('here');
  file.close();
});

it('a path that has come to mean another file is gone, and is not held', () => {
  const file = createKernelFiles(1).open(make('a', 'another’s'), () => false);
  expect(file.read()).toBeUndefined();
  expect(file.isGone()).toBe(true);
  expect(held()).toBe(0);
});
