import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { unixNanoseconds } from '../../src/linux/clock.ts';
import { errnoText, SystemError } from '../../src/linux/error.ts';
import { processStat } from '../../src/linux/process-stat.ts';
import { descriptorLimit, setDescriptorLimit } from '../../src/linux/rlimit.ts';
import { kill } from '../../src/linux/signal.ts';
import { setChildSubreaper } from '../../src/linux/subreaper.ts';

test('a system error has the name, the number and the C library’s words', () => {
  const error = new SystemError('open', 2, '/a/b');
  expect(error).toMatchObject({ name: 'SystemError', code: 'ENOENT', errno: 2, syscall: 'open' });
  expect(error.message).toBe('open /a/b: no such file or directory');
  expect(errnoText(40)).toBe('too many levels of symbolic links');
});

test('signal 0 asks whether a process is there', () => {
  expect(() => kill(process.pid, 0)).not.toThrow();
  expect(() => kill(2 ** 30, 0)).toThrow(
    expect.objectContaining({ code: 'ESRCH', message: 'kill: no such process' }),
  );
  expect(() => kill(process.pid, 999)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
});

test('the descriptor limit of this process is what its children get', () => {
  const before = descriptorLimit();
  const soft = () => execFileSync('/bin/sh', ['-c', 'ulimit -Sn'], { encoding: 'utf8' }).trim();
  setDescriptorLimit({ ...before, soft: 512n });
  expect(soft()).toBe('512');
  setDescriptorLimit(before);
  expect(descriptorLimit(process.pid)).toEqual(before);
  expect(soft()).toBe(String(before.soft));
});

test('the time of day is that of Date, in nanoseconds', () => {
  const before = BigInt(Date.now()) * 1_000_000n;
  const now = unixNanoseconds();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThan(before + 1_000_000_000n);
});

test('an orphan becomes the child of a process that is a subreaper', () => {
  setChildSubreaper();
  const pid = Number(
    execFileSync('/bin/sh', ['-c', 'sleep 60 >/dev/null 2>&1 & echo $!'], { encoding: 'utf8' }),
  );
  expect(processStat(pid)).toMatchObject({ parentPid: process.pid });
  kill(pid, 9);
});

test('a process that is not there has no stat', () => {
  expect(processStat(2 ** 30)).toBeUndefined();
});
