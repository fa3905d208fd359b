import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { flock } from '../../src/linux/flock.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Another program that holds the lock, until it is killed: one process, as a child would keep it beyond that. */
async function hold(): Promise<ChildProcess> {
  const child = spawn('flock', ['--no-fork', path, 'sh', '-c', 'echo; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

test('a lock is for one at a time, until it is released', () => {
  const lock = flock(path);
  expect(lock).toBeDefined();
  expect(flock(path)).toBeUndefined();
  lock?.release();
  const next = flock(path);
  expect(next).toBeDefined();
  next?.release();
});

test('a lock is for one process, until that has ended, however it ends', async () => {
  const child = await hold();
  expect(flock(path)).toBeUndefined();
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  const next = flock(path);
  expect(next).toBeDefined();
  next?.release();
});

test('the file of a lock is made for its owner alone, and not left open where the lock is another’s', () => {
  const lock = flock(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const open = () => readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === path).length;
  expect(open()).toBe(1);
  flock(path);
  expect(open()).toBe(1);
  lock?.release();
  expect(open()).toBe(0);
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

test('a lock is not followed to another file, and no folder', () => {
  symlinkSync('elsewhere', path);
  expect(() => flock(path)).toThrow(/ELOOP/);
  mkdirSync(join(folder, 'folder'));
  expect(() => flock(join(folder, 'folder'))).toThrow(/EISDIR/);
  expect(() => flock(join(folder, 'no/lock'))).toThrow(/ENOENT/);
});
