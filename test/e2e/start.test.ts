import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { inOwnCgroup } from './fixtures/own-cgroup.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

inOwnCgroup();

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(path.join(os.tmpdir(), 'demo-'));
  folder = path.join(parent, 'demo');
});
afterEach(() => rm(parent, { recursive: true }));

/** `npm start`, and all that it prints; `until` resolves once that holds some text. */
function start(...flags: string[]) {
  const child = spawn('npm', ['start', '--', ...flags], {
    cwd: root,
    env: { ...process.env, CONTAINERD_DEMO_DIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let look = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      look();
    });
  }
  return {
    child,
    output: () => output,
    until: (text: string) =>
      new Promise<void>((resolve, reject) => {
        look = () => output.includes(text) && resolve();
        child.once('exit', () => reject(new Error(output)));
        look();
      }),
  };
}

it('npm start runs a daemon with a container in it, and Ctrl-C leaves nothing of either', async () => {
  const demo = start();
  await demo.until('Ctrl-C ends the container and the daemon.');
  const row = demo.output().match(/^ID +PATH +STATUS +PID1\ndemo +\S*build\/busybox +running +(\d+)$/m);
  const pid = Number(row?.[1]);
  expect((await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')[0]).toBe('sh');

  const commands = demo.output().match(/^ {2}\S*\/bin\/ctr --address .*$/gm) ?? [];
  expect(commands).toHaveLength(3);
  const [, , kill = ''] = commands;
  expect(kill).toContain(`--address ${path.join(folder, 'containerd.sock')} containers kill demo`);
  const list = await execa('sh', ['-c', kill.replace('kill demo', 'list')]);
  expect(list.stdout).toContain(`running             ${pid}`);

  demo.child.kill('SIGINT');
  await once(demo.child, 'exit');
  expect(await readdir(parent)).toEqual([]);
  await expect(readFile(`/proc/${pid}/cmdline`)).rejects.toThrow();
});

it('a second npm start in the same place is refused and leaves the first alone', async () => {
  const first = start();
  await first.until('Ctrl-C ends');
  const second = start();
  const [status] = await once(second.child, 'exit');
  expect(status).toBe(1);
  expect(second.output()).toContain(`a daemon runs in ${folder} already`);
  const { stdout } = await execa(path.join(root, 'bin/ctr'), [
    '--address',
    path.join(folder, 'containerd.sock'),
    'containers',
  ]);
  expect(stdout).toContain('demo');
  first.child.kill('SIGTERM');
  await once(first.child, 'exit');
  expect(await readdir(parent)).toEqual([]);
});

it('npm start leaves in its place what somebody else has there', async () => {
  await mkdir(folder);
  await writeFile(path.join(folder, 'mine'), 'mine');
  const demo = start();
  await demo.until('Ctrl-C ends');
  demo.child.kill('SIGINT');
  await once(demo.child, 'exit');
  expect(await readdir(folder)).toEqual(['mine']);
});

it('npm start leaves what belongs to a container that goes on, and the next one ends that', async () => {
  const demo = start('--live-restore');
  await demo.until('Ctrl-C ends');
  demo.child.kill('SIGINT');
  await once(demo.child, 'exit');
  expect(demo.output()).toContain('demo may run still');
  expect(await readdir(folder)).toContain('state');
  const next = start();
  await once(next.child, 'exit');
  expect(next.output()).toContain('container already exists');
  expect(await readdir(parent)).toEqual([]);
});
