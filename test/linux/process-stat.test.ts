import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processStat } from '../../src/linux/process-stat.ts';

/** Clock ticks in a second (proc(5), sysconf(_SC_CLK_TCK) on Linux). */
const TICKS = 100;

test('a process says of itself who its parent is and when it was started', () => {
  const stat = processStat(process.pid);
  expect(stat).toMatchObject({ state: 'R', parentPid: process.ppid, ending: false });
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  expect(Number(stat?.startTime) / TICKS).toBeCloseTo(uptime - process.uptime(), -1);
  expect(processStat(process.pid)?.startTime).toBe(stat?.startTime);
});

test('a program may be called as it likes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stat-'));
  const program = join(folder, 'a) Z 1 (b');
  copyFileSync('/bin/sleep', program);
  const child = spawn(program, ['1000'], { stdio: 'ignore' });
  try {
    await once(child, 'spawn');
    const name = () => readFileSync(`/proc/${child.pid}/stat`, 'latin1');
    await expect.poll(name).toContain('(a) Z 1 (b)');
    await expect.poll(() => processStat(child.pid ?? 0)?.state).toBe('S');
    expect(processStat(child.pid ?? 0)).toMatchObject({ parentPid: process.pid, ending: false });
  } finally {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    rmSync(folder, { recursive: true });
  }
});

test('a process that was stopped says so', async () => {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  child.kill('SIGSTOP');
  await expect.poll(() => processStat(child.pid ?? 0)?.state).toBe('T');
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  expect(processStat(child.pid ?? 0)).toBeUndefined();
});
