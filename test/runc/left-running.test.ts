import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processStat } from '../../src/linux/process-stat.ts';
import { deleteCommand, runCommand } from '../../src/runc/command.ts';
import { waitForLeftRunning } from '../../src/runc/left-running.ts';
import { onCgroupV2 } from '../e2e/fixtures/host.ts';
import { within } from '../linux/deadline.ts';
import { Scripts } from './scripts.ts';

const NOBODY = 2 ** 30;

let scripts: Scripts;
let children: { child: ChildProcess; ended: Promise<unknown> }[];
beforeEach(() => {
  scripts = new Scripts();
  children = [];
});
afterEach(async () => {
  for (const { child, ended } of children) {
    child.kill('SIGKILL');
    await ended;
  }
  scripts.remove();
});

const isRunning = ({ pid = 0 }: ChildProcess): boolean => !['Z', undefined].includes(processStat(pid)?.state);

/** Starts a program that says so, and goes on until its stdin is closed. */
async function start(argv: string[], { uid = 0 } = {}): Promise<ChildProcess> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], uid });
  children.push({ child, ended: once(child, 'exit') });
  await once(child.stdout, 'data');
  return child;
}
const here = () => ({ command: scripts.write('echo; read line; exit 0'), root: scripts.folder });

describe('a runc that a former daemon left at work', () => {
  it('is waited for', async () => {
    const child = await start(deleteCommand(here(), 'box', false));
    let isDone = false;
    const waiting = waitForLeftRunning(scripts.folder, NOBODY, { timeoutMs: 60_000 }).then(() => {
      isDone = true;
    });
    // A look at another root takes as long as the look that has found it, and has nothing to wait for.
    await waitForLeftRunning('/nowhere', NOBODY, { timeoutMs: 60_000 });
    expect(isDone).toBe(false);
    child.stdin?.end();
    await within(15_000, 'the end', waiting);
  });

  it('is waited for though it has a log of its own', async () => {
    const detached = { id: 'box', pidFile: '/p', logFile: '/l', consoleSocket: '', bundle: '/b' };
    const child = await start(runCommand(here(), detached));
    await waitForLeftRunning(scripts.folder, NOBODY, { timeoutMs: 100 });
    expect(isRunning(child)).toBe(false);
  });

  it('is killed once it has had its time', async () => {
    const child = await start(deleteCommand(here(), 'box', false));
    const exit = once(child, 'exit');
    await within(15_000, 'the end', waitForLeftRunning(scripts.folder, NOBODY, { timeoutMs: 100 }));
    expect(await exit).toEqual([null, 'SIGKILL']);
  });

  it('is nobody’s business where it works on another root', async () => {
    const child = await start(deleteCommand({ ...here(), root: `${scripts.folder}/other` }, 'box', false));
    await within(15_000, 'the end', waitForLeftRunning(scripts.folder, NOBODY, { timeoutMs: 100 }));
    expect(isRunning(child)).toBe(true);
  });

  it('is the shim’s where it is a child of the shim', async () => {
    const child = await start(deleteCommand(here(), 'box', false));
    await within(15_000, 'the end', waitForLeftRunning(scripts.folder, process.pid, { timeoutMs: 100 }));
    expect(isRunning(child)).toBe(true);
  });

  it('is not mistaken for somebody’s own runc on that root', async () => {
    const { command, root } = here();
    const child = await start([command, '--root', root, 'exec', '-t', 'box', 'sh']);
    await within(15_000, 'the end', waitForLeftRunning(root, NOBODY, { timeoutMs: 100 }));
    expect(isRunning(child)).toBe(true);
  });

  describe('is not mistaken for one that has its command line, which', () => {
    const program = 'echo; read line; exit 0';
    const flags = () => ['--root', scripts.folder, '--log-format', 'json', 'delete', 'box'];

    it('another user runs', async () => {
      const child = await start(['/bin/sh', '-c', program, 'runc', ...flags()], { uid: 65534 });
      await within(15_000, 'the end', waitForLeftRunning(scripts.folder, NOBODY, { timeoutMs: 100 }));
      expect(isRunning(child)).toBe(true);
    });

    it('runs in a container', async () => {
      const inside = `exec sh -c '${program}' runc ${flags().join(' ')}`;
      const child = await start(['unshare', '--pid', '--fork', 'sh', '-c', inside]);
      await within(15_000, 'the end', waitForLeftRunning(scripts.folder, NOBODY, { timeoutMs: 100 }));
      expect(isRunning(child)).toBe(true);
      child.stdin?.end();
      await once(child, 'exit');
    });
  });

  // What is frozen by cgroup v2 can be killed.
  it.skipIf(onCgroupV2)(
    'is named and waited for no longer where the kernel does not let it end',
    async () => {
      const child = await start(deleteCommand(here(), 'box', false));
      const freezer = `/sys/fs/cgroup/freezer/left-running-${process.pid}`;
      mkdirSync(freezer);
      try {
        writeFileSync(`${freezer}/cgroup.procs`, String(child.pid));
        writeFileSync(`${freezer}/freezer.state`, 'FROZEN');
        const times = { timeoutMs: 100, deathTimeoutMs: 100 };
        const waiting = waitForLeftRunning(scripts.folder, NOBODY, times);
        expect(await within(15_000, 'the end', waiting)).toEqual([child.pid]);
      } finally {
        const exit = once(child, 'exit');
        writeFileSync(`${freezer}/freezer.state`, 'THAWED');
        await exit;
        rmdirSync(freezer);
      }
    },
  );
});
