import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPty } from '../../src/linux/pty.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { CTR, ctr } from './fixtures/ctr.ts';
import { type EventStream, TestDaemon } from './fixtures/daemon.ts';
import { Window } from './fixtures/terminal.ts';

const BOX = `tty-${process.pid}`;

let bundles: Bundles;
let daemon: TestDaemon;
let events: EventStream;
let window: Window | undefined;

beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start();
  events = await daemon.events();
  await daemon.create(BOX, await bundles.make(BOX));
});
afterEach(() => {
  window?.close();
  window = undefined;
});
afterAll(async () => {
  await daemon?.remove();
  await bundles?.remove();
});

const unique = (name: string) => `${name}-${process.pid}`;
function open(...args: string[]): Window {
  window = new Window(CTR, args, { env: { CONTAINERD_ADDRESS: daemon.socketPath } });
  return window;
}
const exec = (script: string) =>
  open('containers', 'exec', '--id', BOX, '--attach', '--tty', '-e', 'TERM=xterm', 'sh', '-c', script);

describe('a terminal, attached to', () => {
  it('is the container’s, where its bundle asks for one', async () => {
    const args = ['sh', '-c', 'tty; echo "name?"; read name; echo "hello $name"; exit 6'];
    const bundle = await bundles.make('asked', { terminal: true, args });
    const started = open('containers', 'start', '-a', unique('asked'), bundle);
    await started.shows('name?');
    started.type('world\r');
    expect(await started.ended()).toBe(6);
    await expect.poll(() => started.text).toBe('/dev/pts/0\r\nname?\r\nworld\r\nhello world\r\n');
  });

  it('is an exec’s with --tty, and ours is as it was afterwards', async () => {
    const typed = exec('stty -a; echo ready; read line; exit 4');
    const before = typed.settings();
    await typed.shows('ready');
    expect(typed.settings().equals(before)).toBe(false);
    typed.type('\r');
    expect(await typed.ended()).toBe(4);
    expect(typed.settings().equals(before)).toBe(true);
  });

  it('makes an interrupt of ^C, and an end of file of ^D', async () => {
    const typed = exec('trap "echo interrupted" INT; echo ready; sleep 1000; cat; exit 3');
    await typed.shows('ready');
    typed.type('\x03');
    await typed.shows('interrupted');
    typed.type('line\r');
    await typed.shows('line\r\nline');
    typed.type('\x04');
    expect(await typed.ended()).toBe(3);
  });

  it('has job control', async () => {
    const typed = open('containers', 'exec', '--id', BOX, '-a', '-t', 'sh');
    await typed.shows('# ');
    typed.type('sh -c "echo in the job; exec sleep 1000"\r');
    await typed.shows('\nin the job\r\n');
    typed.type('\x1a');
    await typed.shows(/Stopped +sh -c/);
    typed.type('exit 5\r');
    await typed.shows('You have stopped jobs.');
    typed.type('exit 5\r');
    expect(await typed.ended()).toBe(5);
  });

  it('has the size of our window, and follows it', async () => {
    const typed = exec('stty size; trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done');
    await typed.shows('24 80\r\nready');
    typed.resize(100, 30);
    await typed.shows('30 100');
    typed.type('\x03');
    expect(await typed.ended()).toBe(130);
  });

  it('lets a program have the whole screen', async () => {
    const typed = exec('vi /tmp/text; cat /tmp/text');
    await typed.shows('/tmp/text');
    typed.type('ihello vi\x1b');
    await typed.shows('hello vi');
    typed.type(':wq\r');
    expect(await typed.ended()).toBe(0);
    await expect.poll(() => typed.text.endsWith('hello vi\r\n')).toBe(true);
  });

  it('shows 10 MB, and all of them', async () => {
    const script = 'stty raw; yes 0123456789abcde | head -c 10485760';
    const child = spawn(CTR, ['containers', 'exec', '--id', BOX, '-a', '-t', 'sh', '-c', script], {
      env: { ...process.env, CONTAINERD_ADDRESS: daemon.socketPath },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    const shown = await buffer(child.stdout);
    expect(shown.equals(Buffer.from('0123456789abcde\n'.repeat(655_360)))).toBe(true);
    expect(await ended).toEqual([0, null]);
  });

  it('hears the end of what is no terminal, wherever its last line ends', async () => {
    const args = ['containers', 'exec', '--id', BOX, '-a', '-t', 'sh', '-c', 'cat; echo "ended"; exit 2'];
    for (const input of ['', 'a line\n', 'no line']) {
      const { status, stdout } = await ctr(daemon, args, { input });
      expect({ status, stdout }).toEqual({ status: 2, stdout: expect.stringMatching(/ended\r\n$/) });
      expect(stdout).toContain(input.trimEnd());
    }
  });
});

describe('our own terminal is as it was', () => {
  async function started(name: string) {
    const id = unique(name);
    const args = ['sh', '-c', 'trap "" INT TERM; echo ready; while :; do sleep 1; done'];
    const bundle = await bundles.make(name, { terminal: true, args });
    const shown = open('containers', 'start', '-a', id, bundle);
    const before = shown.settings();
    await shown.shows('ready');
    expect(shown.settings().equals(before)).toBe(false);
    return { id, shown, before };
  }
  async function goesOn(id: string): Promise<void> {
    expect((await daemon.container(id))?.status).toBe('running');
    await daemon.signal(id, 9);
    await events.exit(id);
  }

  it('when its container is killed', async () => {
    const { id, shown, before } = await started('killed');
    await daemon.signal(id, 9);
    expect(await shown.ended()).toBe(137);
    expect(shown.settings().equals(before)).toBe(true);
  });

  it('when ctr is told to hang up', async () => {
    const { id, shown, before } = await started('hangup');
    shown.child.kill('SIGHUP');
    expect(await shown.ended()).toBe(129);
    expect(shown.settings().equals(before)).toBe(true);
    await goesOn(id);
  });

  it('or is no more, when its window is closed', async () => {
    const { id, shown } = await started('closed');
    shown.close();
    expect(await shown.ended()).toBe(129);
    await goesOn(id);
  });

  it('or is no more, when ctr is told to go on', async () => {
    const id = unique('goes-on');
    const bundle = await bundles.make('goes-on', { terminal: true, args: ['sh', '-c', 'echo ready; cat'] });
    const { master, path } = openPty();
    const slave = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
    const child = spawn(CTR, ['containers', 'start', '-a', id, bundle], {
      env: { ...process.env, CONTAINERD_ADDRESS: daemon.socketPath },
      stdio: [slave, 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    await once(child.stdout as Readable, 'data');
    for (const fd of [slave, master]) closeSync(fd);
    for (const signal of ['SIGCONT', 'SIGWINCH'] as const) child.kill(signal);
    await daemon.signal(id, 9);
    expect(await ended).toEqual([137, null]);
  });

  it('when the container cannot be started', async () => {
    const bundle = await bundles.make('missing', { terminal: true, args: ['nope'] });
    const shown = open('containers', 'start', '-a', unique('missing'), bundle);
    const before = shown.settings();
    expect(await shown.ended()).toBe(1);
    await expect
      .poll(() => shown.text)
      .toMatch(/^\[ctr\] containerd: .*"nope": executable file not found in \$PATH\r\n$/);
    expect(shown.settings().equals(before)).toBe(true);
  });
});

describe('ctr watch on a terminal', () => {
  const OTHER_SCREEN = '\x1b[?1049h';
  const BACK = '\x1b[?25h\x1b[?1049l';
  const inTurn = (...texts: string[]) =>
    new RegExp(texts.map((text) => text.replace(/[[?$]/g, '\\$&')).join('[\\s\\S]*'));

  it.each([
    ['q', 'q'],
    ['Ctrl-C', '\x03'],
  ])('takes the whole of it, and gives it back by %s', async (_, key) => {
    const watch = open('watch');
    const before = watch.settings();
    await watch.shows(BOX);
    expect(watch.text).toContain(OTHER_SCREEN);
    watch.type('m');
    await watch.shows('order by memory');
    watch.type(key);
    expect(await watch.ended()).toBe(0);
    await expect.poll(() => watch.text.endsWith(BACK)).toBe(true);
    expect(watch.settings()).toEqual(before);
  });

  it('ends where its window is closed', async () => {
    const watch = open('watch');
    await watch.shows(BOX);
    watch.close();
    expect(await watch.ended()).toBe(129);
  });

  it('takes a terminal that does not know its size for one of 24 lines of 80', async () => {
    window = new Window(CTR, ['watch'], {
      env: { CONTAINERD_ADDRESS: daemon.socketPath },
      width: 0,
      height: 0,
    });
    await window.shows(BOX);
    window.type('q');
    expect(await window.ended()).toBe(0);
  });

  it('takes keys that come together', async () => {
    const watch = open('watch');
    await watch.shows(BOX);
    watch.type('\x1b[B\x1bOBmi\x1b[Am');
    await watch.shows('order by memory');
    watch.type('\x1b[B\x03');
    expect(await watch.ended()).toBe(0);
  });

  it.each<[NodeJS.Signals, number]>([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
  ])('gives it back where %s tells it to end, and says so', async (signal, status) => {
    const watch = open('watch');
    const before = watch.settings();
    await watch.shows(BOX);
    watch.child.kill(signal);
    expect(await watch.ended()).toBe(status);
    await expect.poll(() => watch.text.endsWith(BACK)).toBe(true);
    expect(watch.settings()).toEqual(before);
  });

  it.each([
    ['Ctrl-Z', (shell: Window) => shell.type('\x1a')],
    ['kill -TSTP', (shell: Window) => execa('pkill', ['-TSTP', '-P', String(shell.child.pid)])],
  ])('gives it back while it is stopped by %s, and takes it again', async (_, stop) => {
    window = new Window('bash', ['--norc', '-i'], {
      env: { CONTAINERD_ADDRESS: daemon.socketPath, PS1: '$ ' },
    });
    window.type(`${CTR} watch\r`);
    await window.shows(BOX);
    await stop(window);
    await window.shows(inTurn(BACK, 'Stopped'));
    window.resize(120, 30);
    window.type('fg\r');
    await window.shows(inTurn('Stopped', OTHER_SCREEN, BOX));
    window.type('q');
    await window.shows(inTurn('Stopped', BACK, '$ '));
    window.type('exit $?\r');
    expect(await window.ended()).toBe(0);
  });

  it('shows nothing while it is in the background', async () => {
    window = new Window('bash', ['--norc', '-i'], {
      env: { CONTAINERD_ADDRESS: daemon.socketPath, PS1: '$ ' },
    });
    window.type(`set -b; ${CTR} watch &\r`);
    await window.shows('Stopped');
    expect(window.text).not.toContain(OTHER_SCREEN);
    window.type('fg\r');
    await window.shows(BOX);
    window.type('q');
    await window.shows(inTurn(BACK, '$ '));
    window.type('exit $?\r');
    expect(await window.ended()).toBe(0);
  });

  it('ends in the background where it is told to', async () => {
    window = new Window('bash', ['--norc', '-i'], {
      env: { CONTAINERD_ADDRESS: daemon.socketPath, PS1: '$ ' },
    });
    window.type(`set -b; ${CTR} watch &\r`);
    await window.shows('Stopped');
    window.type('kill %1; wait -f %1; exit $?\r');
    expect(await window.ended()).toBe(143);
    expect(window.text).not.toContain(OTHER_SCREEN);
  });
});
