import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { killWhere } from '../e2e/fixtures/kill-where.ts';

/** A child that runs until it is killed. */
async function sleeper() {
  const child = spawn('sleep', ['1000']);
  await once(child, 'spawn');
  const { pid = 0 } = child;
  const ended = once(child, 'exit');
  return { pid, ended, kill: () => child.kill('SIGKILL') };
}

it('kills the process that is meant', async () => {
  const { pid, ended } = await sleeper();
  expect(await killWhere(pid, async (it) => it === pid)).toBe(true);
  expect(await ended).toEqual([null, 'SIGKILL']);
});

it('leaves one that is not', async () => {
  const { pid, ended, kill } = await sleeper();
  expect(await killWhere(pid, async () => false)).toBe(false);
  kill();
  await ended;
});

it('has nobody to kill where the process ends while it is looked at', async () => {
  const { pid, ended, kill } = await sleeper();
  const endsMeanwhile = async () => {
    kill();
    await ended;
    return true;
  };
  expect(await killWhere(pid, endsMeanwhile)).toBe(false);
});

it('has nobody to kill where there is no such process', async () => {
  const { pid, ended, kill } = await sleeper();
  kill();
  await ended;
  expect(await killWhere(pid, async () => true)).toBe(false);
});
