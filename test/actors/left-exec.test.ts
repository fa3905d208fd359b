import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdLeftExec } from '../../src/actors/left-exec.ts';
import { pidFileOf } from '../../src/actors/record.ts';
import { processStat } from '../../src/linux/process-stat.ts';

const { pid } = process;

let root: string;
let cgroup: string;
const places = () => ({ runc: join(root, 'runc'), folder: join(root, 'box') });
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'left-exec-'));
  cgroup = join(root, 'cgroup');
  const { runc, folder } = places();
  for (const it of [join(runc, 'box'), folder, join(cgroup, 'init.scope')])
    mkdirSync(it, { recursive: true });
  const state = { init_process_pid: 1, init_process_start: 1, cgroup_paths: { '': cgroup } };
  writeFileSync(join(runc, 'box', 'state.json'), JSON.stringify(state));
  writeFileSync(pidFileOf(folder, 'exec-1'), String(pid));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Who it is said to be, if anybody. */
async function found() {
  const left = await holdLeftExec(places(), 'box', 'exec-1');
  left?.held.release();
  return left && { pid: left.pid, startTime: left.startTime };
}

describe('an exec that nobody noted', () => {
  const me = () => ({ pid, startTime: processStat(pid)?.startTime });

  it('is the process of its pid file, in the cgroup of its container', async () => {
    writeFileSync(join(cgroup, 'cgroup.procs'), `1\n${pid}\n`);
    expect(await found()).toEqual(me());
  });

  it('is so as well in a cgroup that its container has made', async () => {
    writeFileSync(join(cgroup, 'cgroup.procs'), '');
    writeFileSync(join(cgroup, 'init.scope', 'cgroup.procs'), `${pid}\n`);
    expect(await found()).toEqual(me());
  });

  it('is none where the process is elsewhere', async () => {
    writeFileSync(join(cgroup, 'cgroup.procs'), `1\n${pid}0\n`);
    expect(await found()).toBeUndefined();
  });
});
