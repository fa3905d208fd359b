import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processStat } from '../../src/linux/process-stat.ts';
import { cgroupsNamed } from '../../src/runc/cgroup-folders.ts';
import { sweepContainer } from '../../src/runc/sweep.ts';

let root: string;
let id: string;
/** Where the container would be, in one hierarchy. */
let cgroup: string;
let children: ChildProcess[];

beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'sweep-'));
  id = path.basename(root);
  // A new one of cpuset takes no process (cpusets.rst).
  cgroup = (await cgroupsNamed(id, process.pid)).find((it) => !it.includes('/cpuset')) ?? '';
  children = [];
});

afterEach(async () => {
  for (const child of children) {
    const ended = child.exitCode === null && child.signalCode === null && once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  for (const folder of [path.join(cgroup, 'below'), cgroup]) if (existsSync(folder)) rmdirSync(folder);
  rmSync(root, { recursive: true, force: true });
});

/** A child of this process, which is taken for the shim, in a cgroup. */
function processIn(folder: string): ChildProcess {
  mkdirSync(folder, { recursive: true });
  const child = spawn('sleep', ['1000']);
  children.push(child);
  writeFileSync(path.join(folder, 'cgroup.procs'), String(child.pid));
  return child;
}

function writeState(container: string, child: ChildProcess, folder: string): void {
  mkdirSync(path.join(root, container));
  const state = {
    init_process_pid: child.pid,
    init_process_start: Number(processStat(child.pid ?? 0)?.startTime),
    cgroup_paths: { memory: folder },
  };
  writeFileSync(path.join(root, container, 'state.json'), JSON.stringify(state));
}

const sweep = () => sweepContainer(root, id, process.pid);
const runs = (child: ChildProcess) => processStat(child.pid ?? 0)?.ending === false;

describe('of a container that runc has not written down', () => {
  it('what a killed runc has left in its cgroup is ended', async () => {
    const left = processIn(cgroup);
    const ended = once(left, 'exit');
    await sweep();
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(existsSync(cgroup)).toBe(false);
  });

  it('a cgroup of its name that is another container’s is left as it is', async () => {
    const other = processIn(cgroup);
    writeState('other', other, cgroup);
    await sweep();
    expect(runs(other)).toBe(true);
  });

  it('what is left below its cgroup is ended as well', async () => {
    const left = processIn(path.join(cgroup, 'below'));
    const ended = once(left, 'exit');
    await sweep();
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(existsSync(cgroup)).toBe(false);
  });

  it('a cgroup of its name in which there is somebody else’s process is left as it is', async () => {
    const [shim, other] = [spawn('sleep', ['1000']), processIn(cgroup)];
    children.push(shim);
    await sweepContainer(root, id, shim.pid ?? 0);
    expect(runs(other)).toBe(true);
  });

  it('a cgroup of its name that has only empty ones below is left as it is', async () => {
    mkdirSync(path.join(cgroup, 'below'), { recursive: true });
    await sweep();
    expect(existsSync(path.join(cgroup, 'below'))).toBe(true);
  });
});

describe('of a container that runc has written down', () => {
  it('a cgroup below which there is another container is left as it is', async () => {
    const [init, other] = [processIn(cgroup), processIn(path.join(cgroup, 'below'))];
    writeState(id, init, cgroup);
    writeState('other', other, path.join(cgroup, 'below'));
    const ended = once(init, 'exit');
    await sweep();
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect([runs(other), existsSync(path.join(root, id))]).toEqual([true, false]);
  });

  it('the cgroup that the shim itself is in is left as it is', async () => {
    const init = processIn(cgroup);
    const bystander = processIn(cgroup);
    writeState(id, init, path.dirname(cgroup));
    await sweep();
    expect(runs(bystander)).toBe(true);
  });
});
