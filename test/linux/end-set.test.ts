import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { createEndSet } from '../../src/linux/end-set.ts';
import { descriptorsOf } from './descriptors.ts';

const started: { child: ChildProcess; ended: Promise<unknown> }[] = [];

/** Children that run until they are killed. */
async function start(count: number): Promise<{ pid: number; kill: () => Promise<unknown> }[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
      const ended = once(child, 'exit');
      started.push({ child, ended });
      await once(child, 'spawn');
      const kill = () => {
        child.kill('SIGKILL');
        return ended;
      };
      return { pid: child.pid ?? 0, kill };
    }),
  );
}
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});
const inOrder = (pids: readonly number[]): number[] => [...pids].sort((a, b) => a - b);
const countDescriptors = (): number => descriptorsOf((target) => target.includes('pidfd')).length;

test('nobody has ended of those that run', async () => {
  const set = createEndSet(10);
  for (const { pid } of await start(3)) expect(set.add(pid)).toBe(true);
  expect(set.ended()).toEqual([]);
});

test('those are told that have ended, until they are taken out', async () => {
  const set = createEndSet(10);
  const [first, second, third] = await start(3);
  for (const it of [first, second, third]) set.add(it?.pid ?? 0);
  await third?.kill();
  expect(set.ended()).toEqual([third?.pid]);
  await first?.kill();
  expect(inOrder(set.ended())).toEqual(inOrder([first?.pid ?? 0, third?.pid ?? 0]));
  set.delete(third?.pid ?? 0);
  expect(set.ended()).toEqual([first?.pid]);
  set.delete(first?.pid ?? 0);
  expect(set.ended()).toEqual([]);
});

test('more than are told at once are told the next time', async () => {
  const set = createEndSet(100);
  const children = await start(70);
  for (const { pid } of children) set.add(pid);
  await Promise.all(children.map(({ kill }) => kill()));
  const told: number[] = [];
  for (let pids = set.ended(); pids.length > 0; pids = set.ended()) {
    told.push(...pids);
    for (const pid of pids) set.delete(pid);
  }
  expect(inOrder(told)).toEqual(inOrder(children.map(({ pid }) => pid)));
});

test('no more are taken in than it may hold, until one is taken out', async () => {
  const set = createEndSet(1);
  const [first = 0, second = 0] = (await start(2)).map(({ pid }) => pid);
  expect(set.add(first)).toBe(true);
  expect(set.add(first)).toBe(true);
  expect(set.add(second)).toBe(false);
  set.delete(first);
  expect(set.add(second)).toBe(true);
});

test('a process that is not there is not taken in', async () => {
  const [child] = await start(1);
  await child?.kill();
  expect(createEndSet(1).add(child?.pid ?? 0)).toBe(false);
});

test('what is taken out, in it or not, leaves no descriptor', async () => {
  const set = createEndSet(10);
  const [child] = await start(1);
  const before = countDescriptors();
  set.add(child?.pid ?? 0);
  expect(countDescriptors()).toBe(before + 1);
  set.delete(child?.pid ?? 0);
  set.delete(child?.pid ?? 0);
  set.delete(1);
  expect(countDescriptors()).toBe(before);
});
