import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { descriptorLimit, setDescriptorLimit } from '../../src/linux/rlimit.ts';
import { initHasEnded, isFrozen, readFreezer, readStateFile } from '../../src/runc/state-file.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'runc-root-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(state: string): void {
  mkdirSync(join(root, 'box'));
  writeFileSync(join(root, 'box/state.json'), state);
}

describe('what runc keeps of a container', () => {
  it('is read', async () => {
    const cgroup_paths = { freezer: '/sys/fs/cgroup/freezer/box' };
    write(JSON.stringify({ id: 'box', init_process_pid: 7, init_process_start: 12345678, cgroup_paths }));
    expect(await readStateFile(root, 'box')).toEqual({
      initPid: 7,
      initStartTime: '12345678',
      cgroupPaths: cgroup_paths,
    });
  });

  it('may lack cgroups', async () => {
    write(JSON.stringify({ init_process_pid: 7, init_process_start: 1, cgroup_paths: null }));
    expect((await readStateFile(root, 'box'))?.cgroupPaths).toEqual({});
  });

  it('is nothing where runc knows no such container', async () => {
    expect(await readStateFile(root, 'box')).toBeUndefined();
  });

  it.each([
    ['torn', '{"init_process_pid":7,"init_proc'],
    ['empty', ''],
    ['null', 'null'],
    ['without a pid', '{"init_process_start":1}'],
    ['without a start time', '{"init_process_pid":7}'],
    ['with a pid that is none', '{"init_process_pid":-1,"init_process_start":1}'],
    ['with a start time that is none', '{"init_process_pid":7,"init_process_start":"x"}'],
  ])('is nothing where it is %s', async (_, text) => {
    write(text);
    expect(await readStateFile(root, 'box')).toBeUndefined();
  });
});

describe('a state file that cannot be looked at', () => {
  const outOfDescriptors = async <T>(work: () => Promise<T>): Promise<T> => {
    const limit = descriptorLimit();
    setDescriptorLimit({ ...limit, soft: 3n });
    try {
      return await work();
    } finally {
      setDescriptorLimit(limit);
    }
  };
  it('is not taken for one that is not there, nor its init for ended', async () => {
    write('{"init_process_pid":7,"init_process_start":1}');
    await expect(outOfDescriptors(() => readStateFile(root, 'box'))).rejects.toThrow('EMFILE');
    expect(await outOfDescriptors(() => initHasEnded(root, 'box'))).toBe(false);
  });
});

describe('the freezer', () => {
  const v1 = (state: string) => {
    writeFileSync(join(root, 'freezer.state'), state);
    return { freezer: root, memory: '/nowhere' };
  };
  const v2 = (asked: string, events = '') => {
    writeFileSync(join(root, 'cgroup.freeze'), asked);
    writeFileSync(join(root, 'cgroup.events'), events);
    return { '': root };
  };
  it.each([
    ['v1, frozen', () => v1('FROZEN\n'), 'frozen', true],
    ['v1, freezing', () => v1('FREEZING\n'), 'freezing', true],
    ['v1, thawed', () => v1('THAWED\n'), 'thawed', false],
    ['v2, frozen', () => v2('1\n', 'populated 1\nfrozen 1\n'), 'frozen', true],
    ['v2, freezing', () => v2('1\n', 'populated 1\nfrozen 0\n'), 'freezing', true],
    ['v2, thawed', () => v2('0\n', 'populated 1\nfrozen 0\n'), 'thawed', false],
    ['v2, thawed just now', () => v2('0\n', 'populated 1\nfrozen 1\n'), 'thawed', false],
    ['no cgroup', () => ({}), undefined, false],
    ['a cgroup of v1 that is gone', () => ({ freezer: '/nowhere' }), undefined, false],
    ['a cgroup of v2 that is gone', () => ({ '': '/nowhere' }), undefined, false],
  ])('holds a container, or does not: %s', async (_, paths, freezer, frozen) => {
    expect([await readFreezer(paths()), await isFrozen(paths())]).toEqual([freezer, frozen]);
  });
});
