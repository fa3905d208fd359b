import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  asScheduled,
  SCHED_BATCH,
  SCHED_OTHER,
  schedulingPolicy,
  setSchedulingPolicy,
} from '../../src/linux/scheduling.ts';

/** A program of several threads that has begun. */
async function threaded() {
  const program = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1e6)'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(program.stdout, 'data');
  return program;
}

/** The policies that the threads of a process have. */
const policiesOf = (pid: number): number[] => [
  ...new Set(readdirSync(`/proc/${pid}/task`).map((thread) => schedulingPolicy(Number(thread)))),
];

it('a child has the policy that it is started with, and whoever starts it has its own again', async () => {
  const program = asScheduled(SCHED_BATCH, () => spawn('sleep', ['600'], { stdio: 'ignore' }));
  expect(schedulingPolicy(program.pid ?? 0)).toBe(SCHED_BATCH);
  expect(schedulingPolicy(0)).toBe(SCHED_OTHER);
  expect(() =>
    asScheduled(SCHED_BATCH, () => {
      throw new Error('it cannot be started');
    }),
  ).toThrow('it cannot be started');
  expect(schedulingPolicy(0)).toBe(SCHED_OTHER);
  program.kill('SIGKILL');
});

it('all threads of a process are given a policy', async () => {
  const program = await asScheduled(SCHED_BATCH, threaded);
  const { pid = 0 } = program;
  expect(policiesOf(pid)).toEqual([SCHED_BATCH]);
  expect(readdirSync(`/proc/${pid}/task`).length).toBeGreaterThan(1);
  setSchedulingPolicy(pid, SCHED_OTHER);
  expect(policiesOf(pid)).toEqual([SCHED_OTHER]);
  program.kill('SIGKILL');
});

it('a process that is not there has none', () => {
  const beyondAllPids = 2 ** 22 + 1;
  expect(() => schedulingPolicy(beyondAllPids)).toThrow('sched_getscheduler: no such process');
  expect(() => setSchedulingPolicy(beyondAllPids, SCHED_OTHER)).toThrow('ENOENT');
});

describe('whether a process can change policies', () => {
  const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
  const said = async (...before: string[]): Promise<string> => {
    const program = [pathOf('../../scripts/run-ts.mjs'), pathOf('fixtures/can-change-policies.ts')];
    const [command = '', ...args] = [...before, process.execPath, ...program];
    return (await promisify(execFile)(command, args)).stdout.trim();
  };

  it('is so with the right to, and the usual policy', async () => {
    expect(await said()).toBe('true, and keeps its own: true');
  });

  it('is not without the right', async () => {
    const without = ['--bounding-set', '-sys_nice', '--inh-caps', '-sys_nice'];
    expect(await said('setpriv', ...without)).toBe('false, and keeps its own: true');
  });

  it.each([
    ['batch', '--batch', '0'],
    ['idle', '--idle', '0'],
    ['real time', '--rr', '1'],
  ])('is not with that of %s', async (_, ...policy) => {
    expect(await said('chrt', ...policy)).toBe('false, and keeps its own: true');
  });
});
