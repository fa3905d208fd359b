import { describe, expect, it } from 'vitest';
import {
  checkpointCommand,
  createCommand,
  deleteCommand,
  execCommand,
  pauseCommand,
  restoreCommand,
  resumeCommand,
  runCommand,
  startCommand,
} from '../../src/runc/command.ts';

const runc = { command: 'runc', root: '/r' };
const launching = { id: 'box', pidFile: '/p', logFile: '/l', consoleSocket: '' };
const criu = { imagePath: '/i', workPath: '/w', tcp: false, unixSockets: false, shell: false, criu: '' };

const words = (argv: readonly string[]): string => argv.join(' ');

describe('the command line of runc', () => {
  it.each([
    [
      'run',
      runCommand(runc, { ...launching, bundle: '/b' }),
      'runc --root /r --log /l --log-format json run --detach --pid-file /p --bundle /b -- box',
    ],
    [
      'create with a terminal',
      createCommand(runc, { ...launching, consoleSocket: '/c', bundle: '/b' }),
      'runc --root /r --log /l --log-format json create --pid-file /p --console-socket /c --bundle /b -- box',
    ],
    ['start', startCommand(runc, launching), 'runc --root /r --log /l --log-format json start -- box'],
    [
      'exec',
      execCommand(runc, { ...launching, processFile: '/j' }),
      'runc --root /r --log /l --log-format json exec --detach --pid-file /p --process /j -- box',
    ],
    [
      'restore',
      restoreCommand(runc, { ...launching, ...criu, bundle: '/b' }),
      'runc --root /r --log /l --log-format json restore --detach --pid-file /p --image-path /i --work-path /w --bundle /b -- box',
    ],
    [
      'restore with all flags',
      restoreCommand(runc, {
        ...launching,
        ...criu,
        consoleSocket: '/c',
        tcp: true,
        unixSockets: true,
        shell: true,
        criu: '/criu',
        bundle: '/b',
      }),
      'runc --root /r --log /l --log-format json --criu /criu restore --detach --pid-file /p --console-socket /c --image-path /i --work-path /w --tcp-established --ext-unix-sk --shell-job --bundle /b -- box',
    ],
    [
      'checkpoint that ends the container',
      checkpointCommand(runc, { ...criu, id: 'box', leaveRunning: false }),
      'runc --root /r --log-format json checkpoint --image-path /i --work-path /w -- box',
    ],
    [
      'checkpoint with all flags',
      checkpointCommand(runc, {
        ...criu,
        tcp: true,
        unixSockets: true,
        shell: true,
        criu: '/criu',
        id: 'box',
        leaveRunning: true,
      }),
      'runc --root /r --log-format json --criu /criu checkpoint --image-path /i --work-path /w --tcp-established --ext-unix-sk --shell-job --leave-running -- box',
    ],
    ['pause', pauseCommand(runc, 'box'), 'runc --root /r --log-format json pause -- box'],
    ['resume', resumeCommand(runc, 'box'), 'runc --root /r --log-format json resume -- box'],
    ['delete', deleteCommand(runc, 'box', false), 'runc --root /r --log-format json delete -- box'],
    [
      'forced delete',
      deleteCommand(runc, 'box', true),
      'runc --root /r --log-format json delete --force -- box',
    ],
  ])('for %s', (_, argv, expected) => {
    expect(words(argv)).toBe(expected);
  });

  it.each([
    ['run', (id: string) => runCommand(runc, { ...launching, id, bundle: '/b' })],
    ['exec', (id: string) => execCommand(runc, { ...launching, id, processFile: '/j' })],
    ['restore', (id: string) => restoreCommand(runc, { ...launching, ...criu, id, bundle: '/b' })],
    ['checkpoint', (id: string) => checkpointCommand(runc, { ...criu, id, leaveRunning: true })],
    ['pause', (id: string) => pauseCommand(runc, id)],
    ['resume', (id: string) => resumeCommand(runc, id)],
    ['delete', (id: string) => deleteCommand(runc, id, true)],
  ])('takes an id that begins with a dash for an id: %s', (_, command) => {
    for (const id of ['-', '--', '--help', '-f']) expect(command(id).slice(-2)).toEqual(['--', id]);
  });
});
