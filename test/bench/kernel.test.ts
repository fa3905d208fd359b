import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { cpuMsOf } from '../../bench/kernel.ts';

const SPIN = 'const end = process.cpuUsage().user + 30_000; while (process.cpuUsage().user < end);';

describe('the CPU time of processes', () => {
  it('is what each says of itself, and the sum of both', async () => {
    const child = spawn(
      process.execPath,
      ['-e', `${SPIN} process.send(process.cpuUsage()); process.on('message', () => {});`],
      {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    );
    const [{ user, system }] = await once(child, 'message');
    const pid = child.pid ?? 0;
    const childMs = cpuMsOf(pid);
    const own = process.cpuUsage();
    const sumMs = cpuMsOf(process.pid, pid);
    child.kill();
    expect(childMs).toBeGreaterThanOrEqual(30);
    expect(childMs - (user + system) / 1000).toBeLessThan(20);
    expect(Math.abs(sumMs - childMs - (own.user + own.system) / 1000)).toBeLessThan(20);
  });

  it('has that of threads that have ended, finer than a tick of 10 ms', async () => {
    const beforeMs = cpuMsOf(process.pid);
    await once(new Worker(SPIN, { eval: true }), 'exit');
    expect(cpuMsOf(process.pid) - beforeMs).toBeGreaterThanOrEqual(30);
    expect(cpuMsOf(process.pid) % 10).not.toBe(0);
  });

  it('cannot be had of a process that is not there', () => {
    expect(() => cpuMsOf(2 ** 22 + 1)).toThrow('there is no process');
  });
});
