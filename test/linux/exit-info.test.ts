import { spawn } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';
import { expect, it } from 'vitest';
import { statusOf } from '../../src/linux/exit-info.ts';
import { endedStatus, holdProcess } from '../../src/linux/process-end.ts';
import { processStat } from '../../src/linux/process-stat.ts';

const TERM = 15;
const [major = 0, minor = 0] = os.release().split('.').map(Number);
/** Whether the kernel tells how a process ended that has been reaped (Linux 6.15). */
const tells = major > 6 || (major === 6 && minor >= 15);
/** What may be told of that status: nothing else where the kernel tells. */
const exact = (status: number) => (tells ? [status] : [status, undefined]);

/** A shell that waits to be told, held by its pid and start time. */
function hold(script: string) {
  const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'inherit'] });
  const pid = child.pid ?? 0;
  const startTime = processStat(pid)?.startTime ?? 0n;
  const held = holdProcess(pid, startTime);
  if (held === undefined) throw new Error('it is not there');
  return { child, pid, startTime, held };
}

it('tells how a process ended, though another has reaped it', async () => {
  const { child, held } = hold('read go; exit 7');
  child.stdin.end('\n');
  expect(exact(7)).toContain(await held.ended);
});

it('signals it, and tells that it ended of that', async () => {
  const { held, pid, startTime } = hold('read go');
  held.signal(TERM);
  expect(exact(128 + TERM)).toContain(await held.ended);
  expect(() => held.signal(0)).toThrow();
  expect(holdProcess(pid, startTime)).toBeUndefined();
});

it('does not take another that has its pid, nor tell how one ended that runs', async () => {
  const { child, pid, startTime, held } = hold('read go');
  expect(holdProcess(pid, startTime + 1n)).toBeUndefined();
  expect(endedStatus(pid, startTime)).toBeUndefined();
  held.release();
  child.kill();
  await once(child, 'exit');
});

it.each([
  [0, 0],
  [7 << 8, 7],
  [TERM, 128 + TERM],
  [0x80 | 11, 128 + 11],
])('reads the wait status %i as %i', (waitStatus, status) => {
  expect(statusOf(waitStatus)).toBe(status);
});
