import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { descriptorLimit, setDescriptorLimit } from '../../src/linux/rlimit.ts';
import { createSealedRuntimes, type SealedRuntimes } from '../../src/shim/sealed-runtime.ts';

let folder: string;
let sealed: SealedRuntimes;
let nowMs = 0;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sealed-'));
  sealed = createSealedRuntimes(`/nowhere:${folder}`, () => nowMs);
});
afterEach(() => {
  for (const name of ['runc', at('runc'), 'crun']) sealed.giveUp(name);
  rmSync(folder, { recursive: true });
});

/** A program that is one. */
const install = (name: string) => copyFileSync('/bin/busybox', at(name));

test('a runtime has a copy of its own, which nobody can change', () => {
  install('runc');
  const copy = sealed.of('runc') ?? '';
  expect(readFileSync(copy).equals(readFileSync('/bin/busybox'))).toBe(true);
  expect(() => writeFileSync(copy, 'x', { flag: 'r+' })).toThrowError(
    expect.objectContaining({ code: 'EPERM' }),
  );
});

test('the copy is made once', () => {
  install('crun');
  expect(sealed.of('crun')).toBe(sealed.of('crun'));
});

test('a runtime is found by its path as by its name', () => {
  install('runc');
  expect(sealed.of(at('runc'))).toMatch(/^\/proc\/self\/fd\/\d+$/);
});

test('a runtime that has been replaced is copied again', () => {
  install('runc');
  sealed.of('runc');
  writeFileSync(at('runc'), Buffer.concat([readFileSync('/bin/busybox'), Buffer.of(0)]));
  utimesSync(at('runc'), 1, 1);
  nowMs += 100;
  expect(readFileSync(sealed.of('runc') ?? '')).toHaveLength(readFileSync('/bin/busybox').length + 1);
});

test('one that was given up is run as it is, until it is replaced', () => {
  install('runc');
  sealed.of('runc');
  sealed.giveUp('runc');
  expect(sealed.of('runc')).toBeUndefined();
  utimesSync(at('runc'), 1, 1);
  nowMs += 100;
  expect(sealed.of('runc')).toBeDefined();
});

test('one of which no copy could be made is copied once there is a descriptor for it', () => {
  install('runc');
  const limit = descriptorLimit();
  setDescriptorLimit({ ...limit, soft: 3n });
  try {
    expect(sealed.of('runc')).toBeUndefined();
  } finally {
    setDescriptorLimit(limit);
  }
  nowMs += 100;
  expect(sealed.of('runc')).toBeDefined();
});

test('a runtime that has just been found is not looked for', () => {
  install('runc');
  const copy = sealed.of('runc');
  rmSync(at('runc'));
  nowMs += 99;
  expect(sealed.of('runc')).toBe(copy);
  nowMs += 1;
  expect(sealed.of('runc')).toBeUndefined();
});

test.each([
  ['a script', () => writeFileSync(at('runc'), '#!/bin/sh\n', { mode: 0o755 })],
  ['a file that is not to be run', () => writeFileSync(at('runc'), '\x7fELF', { mode: 0o644 })],
  ['a link to nothing', () => symlinkSync('/nowhere', at('runc'))],
  ['nothing', () => {}],
])('%s is run as it is', (_, make) => {
  make();
  expect(sealed.of('runc')).toBeUndefined();
});

test('a program of which nothing is known is run as it is', () => {
  install('youki');
  expect(sealed.of('youki')).toBeUndefined();
});
