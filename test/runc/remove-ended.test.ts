import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processStat } from '../../src/linux/process-stat.ts';
import { removeEnded } from '../../src/runc/remove-ended.ts';

const NOBODY = 2 ** 22 - 1;

let root: string;
const at = (...names: string[]) => join(root, ...names);
const cgroups = () => ['memory', 'pids'].map((name) => at('cgroup', name, 'box'));
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'remove-ended-'));
  mkdirSync(at('box'));
  for (const cgroup of cgroups()) mkdirSync(cgroup, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

/** What runc 1.1.5 writes down of a container with a pid namespace of its own. */
const config = {
  namespaces: [
    { type: 'NEWPID', path: '' },
    { type: 'NEWNS', path: '' },
  ],
  Hooks: { prestart: null, poststop: null },
  cgroups: { name: 'box', Systemd: false },
};
const state = (of: object = {}, ofConfig: object = {}) => ({
  id: 'box',
  init_process_pid: NOBODY,
  init_process_start: 7,
  rootless: false,
  intel_rdt_path: '',
  cgroup_paths: { memory: cgroups()[0], pids: cgroups()[1] },
  config: { ...config, ...ofConfig },
  ...of,
});
const writeState = (it: unknown) => writeFileSync(at('box/state.json'), JSON.stringify(it));
const left = () => [at('box'), ...cgroups()].filter(existsSync);

describe('an ended container', () => {
  it('has no cgroups and no folder of runc’s any more', () => {
    writeState(state());
    expect(removeEnded(root, 'box')).toBe(true);
    expect(left()).toEqual([]);
    expect(existsSync(at('cgroup/memory'))).toBe(true);
  });

  it('is removed where a cgroup is gone already', () => {
    writeState(state());
    rmSync(cgroups()[0] ?? '', { recursive: true });
    expect(removeEnded(root, 'box')).toBe(true);
    expect(left()).toEqual([]);
  });

  it('of which a cgroup is not empty is left to runc, which still knows it', () => {
    writeState(state());
    mkdirSync(join(cgroups()[1] ?? '', 'below'));
    expect(removeEnded(root, 'box')).toBe(false);
    expect(existsSync(at('box/state.json'))).toBe(true);
  });
});

describe('a container is left to runc', () => {
  it.each<[string, object, object?]>([
    ['that has hooks to run when it has stopped', {}, { Hooks: { poststop: [{ path: '/hook' }] } }],
    ['that has the pids of another', {}, { namespaces: [{ type: 'NEWPID', path: '/proc/1/ns/pid' }] }],
    ['that has the host’s pids', {}, { namespaces: [{ type: 'NEWNS', path: '' }] }],
    ['whose cgroups are systemd’s', {}, { cgroups: { Systemd: true } }],
    ['that is of another user', { rootless: true }],
    ['that has a share of a cache', { intel_rdt_path: '/sys/fs/resctrl/box' }],
    ['of which less is written down', { config: undefined }],
  ])('%s', (_, of, ofConfig) => {
    writeState(state(of, ofConfig));
    expect(removeEnded(root, 'box')).toBe(false);
    expect(left()).toHaveLength(3);
  });

  it('of which nothing can be read', () => {
    writeFileSync(at('box/state.json'), '{"id":');
    expect(removeEnded(root, 'box')).toBe(false);
    expect(left()).toHaveLength(3);
  });

  it('that runc does not know', () => {
    expect(removeEnded(root, 'nobody')).toBe(false);
  });

  it('whose init lives', () => {
    const init = spawn('sleep', ['1000']);
    const start = Number(processStat(init.pid ?? 0)?.startTime);
    writeState(state({ init_process_pid: init.pid, init_process_start: start }));
    expect(removeEnded(root, 'box')).toBe(false);
    init.kill('SIGKILL');
    expect(left()).toHaveLength(3);
  });
});
