import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { holdProcess } from '../../src/linux/process-end.ts';
import { processStat } from '../../src/linux/process-stat.ts';
import { descriptorLimit, setDescriptorLimit } from '../../src/linux/rlimit.ts';
import { within } from './deadline.ts';
import { descriptorsOf } from './descriptors.ts';

const KILL = 9;

const children: { child: ChildProcess; ended: Promise<unknown> }[] = [];
afterEach(async () => {
  for (const { child, ended } of children.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

function start(...argv: string[]): { pid: number; child: ChildProcess; startTime: bigint } {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { stdio: 'ignore' });
  children.push({ child, ended: once(child, 'exit') });
  const pid = child.pid ?? 0;
  return { pid, child, startTime: processStat(pid)?.startTime ?? 0n };
}
const pidfds = (): number => descriptorsOf((target) => target.includes('pidfd')).length;

test('a process that is held can be signalled, and its end is told', async () => {
  const { pid, startTime } = start('sleep', '1000');
  const before = pidfds();
  const held = holdProcess(pid, startTime);
  expect(pidfds()).toBe(before + 1);
  held?.signal(0);
  held?.signal(KILL);
  await within(15_000, 'the end', held?.ended ?? Promise.reject(new Error('not held')));
  expect(pidfds()).toBe(before);
});

test('a process that is let go of holds no descriptor, however often', () => {
  const { pid, startTime } = start('sleep', '1000');
  const before = pidfds();
  const held = holdProcess(pid, startTime);
  held?.release();
  held?.release();
  expect(pidfds()).toBe(before);
  expect(processStat(pid)?.startTime).toBe(startTime);
});

test('a process that was let go of, or has ended, is sent no signal: its descriptor may be another’s by now', async () => {
  const [first, second] = [start('sleep', '1000'), start('sleep', '1000')];
  const letGo = holdProcess(first.pid, first.startTime);
  letGo?.release();
  const other = holdProcess(second.pid, second.startTime);
  expect(() => letGo?.signal(KILL)).toThrow('no such process');
  other?.signal(KILL);
  await within(15_000, 'the end', other?.ended ?? Promise.reject(new Error('not held')));
  const next = holdProcess(first.pid, first.startTime);
  expect(() => other?.signal(KILL)).toThrow('no such process');
  expect(first.child.signalCode).toBeNull();
  expect(next).toBeDefined();
  next?.release();
});

test('a process whose first thread alone has ended is held, and told to have ended when all have', async () => {
  const exitThread = { x64: 60, arm64: 93 }[process.arch as 'x64' | 'arm64'];
  const script = `require('koffi').load(null).func('long syscall(long, long)')(${exitThread}, 0)`;
  const { pid, startTime } = start(process.execPath, '-e', script);
  await expect.poll(() => processStat(pid)?.state).toBe('Z');
  const held = holdProcess(pid, startTime);
  expect(held).toBeDefined();
  held?.signal(KILL);
  await within(15_000, 'the end', held?.ended ?? Promise.reject(new Error('not held')));
});

test('a pid that is another’s by now is not held', () => {
  const { pid, startTime } = start('sleep', '1000');
  const before = pidfds();
  expect(holdProcess(pid, startTime - 1n)).toBeUndefined();
  expect(pidfds()).toBe(before);
});

test('a process that has ended is not held, not even a zombie', async () => {
  // A shell that does not wait for what it has started.
  const { pid } = start('sh', '-c', 'sleep 0 & exec sleep 1000');
  const zombie = () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .find((it) => processStat(it)?.parentPid === pid && processStat(it)?.state === 'Z');
  await expect.poll(zombie, { timeout: 15_000 }).toBeDefined();
  const zombiePid = zombie() ?? 0;
  expect(holdProcess(zombiePid, processStat(zombiePid)?.startTime ?? 0n)).toBeUndefined();
  expect(holdProcess(2 ** 30, 0n)).toBeUndefined();
});

test('a process is not taken for ended by who is out of descriptors', () => {
  const { pid, startTime } = start('sleep', '1000');
  const limit = descriptorLimit();
  setDescriptorLimit({ ...limit, soft: 3n });
  try {
    expect(() => holdProcess(pid, startTime)).toThrow(/too many open files/);
  } finally {
    setDescriptorLimit(limit);
  }
  holdProcess(pid, startTime)?.release();
});
