import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { checkArgumentLimit } from '../../src/actors/argument-limit.ts';
import { stackLimit } from '../../src/linux/rlimit.ts';

const inherited = (soft?: number) => ({
  process: soft === undefined ? {} : { rlimits: [{ type: 'RLIMIT_STACK', soft, hard: soft }] },
  path: '',
});
const kib = (count: number) => Array<string>(count).fill('x'.repeat(1024 - 9));

test('all that fits is let through', () => {
  expect(() => checkArgumentLimit(['x'.repeat(131_071)], inherited())).not.toThrow();
  expect(() => checkArgumentLimit([], inherited())).not.toThrow();
});

test('what is refused is what the kernel would refuse', () => {
  const tooLong = 'x'.repeat(131_072);
  expect(() => execFileSync('true', [tooLong])).toThrow('E2BIG');
  expect(() => checkArgumentLimit([tooLong], inherited())).toThrow(
    'an argument or variable has 131072 bytes, more than 131071',
  );
});

test('a string has as many bytes as UTF-8 makes of it', () => {
  expect(() => checkArgumentLimit(['ü'.repeat(65_536)], inherited())).toThrow('131072 bytes');
});

test('all strings together may take a quarter of the stack, by the bundle’s limit or else by ours', () => {
  expect(() => checkArgumentLimit(kib(240), inherited(1024 * 1024))).not.toThrow();
  expect(() => checkArgumentLimit(kib(250), inherited(1024 * 1024))).toThrow(
    'take 256000 bytes, more than 253952',
  );
  const own = Number(stackLimit().soft) / 4;
  const more = Math.min(own, 6 * 1024 * 1024) / 1024;
  expect(() => checkArgumentLimit(kib(more), inherited())).toThrow('arguments and environment take');
});

test('they may take 128 KiB however small the stack, and 6 MiB at most', () => {
  expect(() => checkArgumentLimit(kib(110), inherited(4096))).not.toThrow();
  expect(() => checkArgumentLimit(kib(6100), inherited(2 ** 64))).not.toThrow();
  expect(() => checkArgumentLimit(kib(6200), inherited(2 ** 64))).toThrow('more than 6283264');
});
