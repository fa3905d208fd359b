import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processStat } from '../../src/linux/process-stat.ts';
import { deleteCommand, runCommand } from '../../src/runc/command.ts';
import { waitForLeftRunning } from '../../src/runc/left-running.ts';
import { within } from '../linux/deadline.ts';
import { Scripts } from './scripts.ts';

const NOBODY = 2 ** 30;

let scripts: Scripts;
let children: ChildProcess[];
beforeEach(() => {
  scripts = new Scripts();
  children = [];
});
afterEach(async () => {
  for (const child of children.filter(isRunning)) {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
  scripts.remove();
});

const isRunning = ({ pid = 0 }: ChildProcess): boolean => !['Z', undefined].includes(processStat(pid)?.state);

/** Starts a program that says so, and goes on until its stdin is closed. */
async function start(argv: string[]): Promise<ChildProcess> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}
const here = () => ({ command: scripts.write('echo; read line; exit 0'), root: scripts.folder });

describe('a runc that a former daemon left at work', () => {
  it('is waited for', async () => {
    const child = await start(deleteCommand(here(), 'box', false));
    let isDone = false;
    const waiting = waitForLeftRunning(scripts.folder, NOBODY, 60_000).then(() => {
      isDone = true;
    });
    // A look at another root takes as long as the look that has found it, and has nothing to wait for.
    await waitForLeftRunning('/nowhere', NOBODY, 60_000);
    expect(isDone).toBe(false);
    child.stdin?.end();
    await within(15_000, 'the end', waiting);
  });

  it('is waited for though it has a log of its own', async () => {
    const detached = { id: 'box', pidFile: '/p', logFile: '/l', consoleSocket: '', bundle: '/b' };
    const child = await start(runCommand(here(), detached));
    await waitForLeftRunning(scripts.folder, NOBODY, 100);
    expect(isRunning(child)).toBe(false);
  });

  it('is killed once it has had its time', async () => {
    const child = await start(deleteCommand(here(), 'box', false));
    const exit = once(child, 'exit');
    await within(15_000, 'the end', waitForLeftRunning(scripts.folder, NOBODY, 100));
    expect(await exit).toEqual([null, 'SIGKILL']);
  });

  it('is nobody’s business where it works on another root', async () => {
    const child = await start(deleteCommand({ ...here(), root: `${scripts.folder}/other` }, 'box', false));
    await within(15_000, 'the end', waitForLeftRunning(scripts.folder, NOBODY, 100));
    expect(isRunning(child)).toBe(true);
  });

  it('is the shim’s where it is a child of the shim', async () => {
    const child = await start(deleteCommand(here(), 'box', false));
    await within(15_000, 'the end', waitForLeftRunning(scripts.folder, process.pid, 100));
    expect(isRunning(child)).toBe(true);
  });

  it('is not mistaken for somebody’s own runc on that root', async () => {
    const { command, root } = here();
    const child = await start([command, '--root', root, 'exec', '-t', 'box', 'sh']);
    await within(15_000, 'the end', waitForLeftRunning(root, NOBODY, 100));
    expect(isRunning(child)).toBe(true);
  });
});
