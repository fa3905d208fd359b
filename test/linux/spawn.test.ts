import { closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { closeInheritedOnExec } from '../../src/linux/descriptor.ts';
import { createPipe } from '../../src/linux/pipe.ts';
import { processStat } from '../../src/linux/process-stat.ts';
import { kill, pidfdOpen, pidfdSendSignal } from '../../src/linux/signal.ts';
import { posixSpawn } from '../../src/linux/spawn.ts';
import { peekExited, reap } from '../../src/linux/waitid.ts';
import { watchFd } from '../../src/linux/watch.ts';
import { within } from './deadline.ts';

const directory = mkdtempSync(join(tmpdir(), 'spawn-'));
afterAll(() => rmSync(directory, { recursive: true }));

const devNull = openSync('/dev/null', 'r+');
afterAll(() => closeSync(devNull));

/** The process's end, by the readability of its pidfd; the child is left to be reaped. */
async function ended(pid: number): Promise<void> {
  const pidfd = pidfdOpen(pid);
  await within(
    5_000,
    `the end of ${pid}`,
    new Promise<void>((resolve) => {
      const watch = watchFd(pidfd, { readable: true }, () => {
        watch.close();
        closeSync(pidfd);
        resolve();
      });
    }),
  );
}

/** Runs a shell script to its end; returns what it wrote to stdout and stderr, and its status. */
async function run(
  script: string,
  env: string[] = [],
  cwd = directory,
): Promise<{ output: string; status: number }> {
  const { read, write } = createPipe();
  const pid = posixSpawn({
    file: '/bin/sh',
    argv: ['sh', '-c', script],
    env,
    cwd,
    stdio: [devNull, write, write],
  });
  closeSync(write);
  const output = readFileSync(read, 'utf8');
  closeSync(read);
  await ended(pid);
  return { output, status: reap(pid)?.status ?? -1 };
}

test('a child has the arguments, the environment and the directory that it was given', async () => {
  const { output } = await run('echo "$A|$(pwd)"; env', ['A=ä b']);
  expect(output).toContain(`ä b|${directory}\n`);
  expect(output).not.toContain('HOME=');
});

test('a child inherits descriptors 0, 1 and 2 only', async () => {
  closeInheritedOnExec();
  const { output } = await run('ls /proc/self/fd');
  // The fourth is that of the directory which ls reads.
  expect(output.split('\n').filter(Boolean)).toEqual(['0', '1', '2', '3']);
});

test('a child has default actions for all signals and blocks none, though Node ignores SIGPIPE', async () => {
  const { output } = await run('grep -E "^Sig(Blk|Ign)" /proc/self/status');
  expect(output).toBe('SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n');
});

test('a child leads a session and a process group of its own', async () => {
  const { output } = await run('cut -d" " -f1,5,6 /proc/$$/stat');
  const [pid, group, session] = output.trim().split(' ');
  expect([group, session]).toEqual([pid, pid]);
});

test('a program or a directory that is not there is told by the kernel’s words and nothing is started', () => {
  const start = (file: string, cwd: string): number =>
    posixSpawn({ file, argv: [file], env: [], cwd, stdio: [devNull, devNull, devNull] });
  expect(() => start('/no/such/program', '/')).toThrow(
    expect.objectContaining({
      message: 'posix_spawn /no/such/program: no such file or directory',
      code: 'ENOENT',
      errno: 2,
      syscall: 'posix_spawn',
    }),
  );
  expect(() => start('/bin/true', '/no/such/directory')).toThrow('no such file or directory');
  expect(peekExited()).toBeUndefined();
});

test('a NUL byte in an argument is refused rather than cut at', () => {
  const argv = ['true', 'a\0b'];
  expect(() =>
    posixSpawn({ file: '/bin/true', argv, env: [], cwd: '/', stdio: [devNull, devNull, devNull] }),
  ).toThrow('invalid argument');
});

test('an exit status is the program’s own, or 128 and the signal that ended it', async () => {
  expect((await run('exit 37')).status).toBe(37);
  expect((await run('kill -TERM $$')).status).toBe(128 + 15);
});

test('peeking leaves a zombie with its start time, reaping frees the pid', async () => {
  const stdio = [devNull, devNull, devNull] as const;
  const pid = posixSpawn({ file: 'sleep', argv: ['sleep', '60'], env: [], cwd: '/', stdio });
  const alive = processStat(pid);
  expect(alive).toMatchObject({ parentPid: process.pid });
  expect(reap(pid)).toBeUndefined();

  const pidfd = pidfdOpen(pid);
  pidfdSendSignal(pidfd, 9);
  closeSync(pidfd);
  await ended(pid);

  expect(peekExited()).toEqual({ pid, status: 128 + 9 });
  expect(processStat(pid)).toMatchObject({ state: 'Z', startTime: alive?.startTime });
  expect(reap(pid)).toEqual({ pid, status: 128 + 9 });
  expect(processStat(pid)).toBeUndefined();
});

test('a program’s name with spaces and parentheses does not confuse what /proc says of it', async () => {
  const file = join(directory, 'a) S 1 (b');
  copyFileSync('/bin/sleep', file);
  const pid = posixSpawn({ file, argv: ['x', '60'], env: [], cwd: '/', stdio: [devNull, devNull, devNull] });
  expect(processStat(pid)).toMatchObject({ parentPid: process.pid });
  kill(pid, 9);
  await ended(pid);
  reap(pid);
});
