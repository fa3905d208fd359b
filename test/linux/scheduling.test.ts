import { execFile, spawn } from 'node:child_process';
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

const sleeping = () => spawn('sleep', ['600'], { stdio: 'ignore' });

it('a child has the policy that it is started with, and whoever starts it has its own again', async () => {
  const program = asScheduled(SCHED_BATCH, sleeping);
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

it('the main thread of a process is given a policy', () => {
  const program = asScheduled(SCHED_BATCH, sleeping);
  const { pid = 0 } = program;
  setSchedulingPolicy(pid, SCHED_OTHER);
  expect(schedulingPolicy(pid)).toBe(SCHED_OTHER);
  program.kill('SIGKILL');
});

it('a process that is not there has none', () => {
  const beyondAllPids = 2 ** 22 + 1;
  expect(() => schedulingPolicy(beyondAllPids)).toThrow('sched_getscheduler: no such process');
  expect(() => setSchedulingPolicy(beyondAllPids, SCHED_OTHER)).toThrow(
    'sched_setscheduler: no such process',
  );
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
