import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countOomKills, watchOomKills } from '../../src/cgroup/oom.ts';
import { descriptorsOf } from '../linux/descriptors.ts';
import { pathsV1, pathsV2 } from './captured.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'oom-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Other descriptors the test runner may open at any time. */
const countWatches = (): number => descriptorsOf((target) => target.includes('inotify')).length;

describe('the count of OOM kills', () => {
  it('is that of memory.oom_control in v1, and of memory.events in v2', async () => {
    expect(await countOomKills(pathsV1())).toBe(2);
    expect(await countOomKills(pathsV2())).toBe(2);
  });

  it('is 0 of a cgroup that is gone, and without the memory controller', async () => {
    expect(await countOomKills({ memory: '/nonexistent' })).toBe(0);
    expect(await countOomKills({ '': '/nonexistent' })).toBe(0);
    expect(await countOomKills({ cpu: '/nonexistent' })).toBe(0);
    expect(await countOomKills({})).toBe(0);
  });

  it('is an error where the file is there and cannot be read', async () => {
    mkdirSync(path.join(folder, 'memory.events'));
    await expect(countOomKills({ '': folder })).rejects.toThrow('EISDIR');
  });
});

// inotify tells of a file on disk as it does of memory.events.
describe('a watch of cgroup v2', () => {
  const write = (kills: number) =>
    writeFileSync(path.join(folder, 'memory.events'), `low 0\nmax 40\noom ${kills}\noom_kill ${kills}\n`);
  const watching = async () => {
    const told: number[] = [];
    const troubles: unknown[] = [];
    const close = await watchOomKills(
      { '': folder },
      (kills) => told.push(kills),
      (error) => troubles.push(error),
    );
    return { told, troubles, close };
  };

  it('says what was killed before, and then each rise', async () => {
    write(1);
    const { told, troubles, close } = await watching();
    await expect.poll(() => told).toEqual([1]);
    for (const kills of [2, 5]) {
      write(kills);
      await expect.poll(() => told.at(-1)).toBe(kills);
    }
    expect(told).toEqual([1, 2, 5]);
    close();
    expect(troubles).toEqual([]);
  });

  it('says nothing of a cgroup in which nothing was killed, however short of memory it is', async () => {
    write(0);
    const { told, close } = await watching();
    for (let n = 0; n < 20; n++) write(0);
    write(1);
    await expect.poll(() => told).toEqual([1]);
    close();
  });

  it('says nothing more once it is closed, and holds no descriptor then', async () => {
    write(0);
    (await watching()).close();
    const before = countWatches();
    const watches = await Promise.all([watching(), watching(), watching()]);
    write(1);
    for (const { close } of watches) close();
    await new Promise(setImmediate);
    await expect.poll(countWatches).toBe(before);
    for (const { told, troubles } of watches) expect([told, troubles]).toEqual([[], []]);
  });

  it('is nothing where the cgroup is gone already', async () => {
    rmSync(folder, { recursive: true });
    const { told, troubles, close } = await watching();
    close();
    expect([told, troubles]).toEqual([[], []]);
  });
});
