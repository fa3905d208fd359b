import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCommandLine } from '../../src/ctr/program.ts';

const DEFAULT = '/run/containerd/containerd.sock';

describe('the address', () => {
  it.each<[string[], NodeJS.ProcessEnv, string]>([
    [[], {}, DEFAULT],
    [[], { CONTAINERD_ADDRESS: '' }, DEFAULT],
    [[], { CONTAINERD_ADDRESS: '/tmp/env.sock' }, '/tmp/env.sock'],
    [['--address', '/tmp/flag.sock'], { CONTAINERD_ADDRESS: '/tmp/env.sock' }, '/tmp/flag.sock'],
    [['--address', 'unix:///tmp/flag.sock'], {}, '/tmp/flag.sock'],
    [['-address=c.sock'], {}, path.resolve('c.sock')],
  ])('%j with %j is %s', (flags, env, address) => {
    expect(readCommandLine([...flags, 'containers'], env)).toMatchObject({ kind: 'run', address });
  });
});

describe('a command line', () => {
  it.each<[string[], string]>([
    [['bla'], "unknown command 'bla'"],
    [['containers', 'bla'], "unknown command or argument 'bla'"],
    [['containers', 'list', 'x'], "unknown command or argument 'x'"],
    [['--bla', 'containers'], "unknown option '--bla'"],
    [['containers', 'start', '--bla', 'a', 'b'], "unknown option '--bla'"],
    [['containers', 'start'], "missing required argument 'id'"],
    [['containers', 'start', 'redis'], "missing required argument 'bundle'"],
    [
      ['containers', 'start', 'a', 'b', 'c'],
      "too many arguments for 'start'. Expected 2 arguments but got 3.",
    ],
    [['containers', 'start', '-c'], "option '--checkpoint, -c <value>' argument missing"],
    [['containers', 'kill'], "missing required argument 'id'"],
    [
      ['containers', 'kill', '-p', '-1', 'redis'],
      'invalid value "-1" for flag --pid: must be an integer, 0 or more, at most 4294967295',
    ],
    [
      ['containers', 'kill', '-s', 'BLA', 'redis'],
      'invalid value "BLA" for flag --signal: must be the number or the name of a signal',
    ],
    [
      ['--address', 'tcp://:80', 'containers'],
      'invalid value "tcp://:80" for flag --address: tcp is not supported: the address is a unix socket\'s',
    ],
    [
      ['events', '--since', 'yesterday'],
      'invalid value "yesterday" for flag --since: must be how long ago, such as 10m, or a time such as 2026-01-31T12:00:00Z',
    ],
    [
      ['events', '--type', 'exit', '--type', 'birth'],
      'unknown type of event "birth": there are exit, oom, start, exec, pause, resume, checkpoint, undone',
    ],
    [['checkpoints'], "missing required argument 'id'"],
    [['checkpoints', 'create', 'redis'], "missing required argument 'name'"],
    [['checkpoints', 'delete', 'redis'], "missing required argument 'name'"],
    [['containers', 'exec', 'sh'], 'container id cannot be empty: say which by --id'],
    [['containers', 'exec', '--id', 'redis'], "missing required argument 'args'"],
    [
      ['containers', 'exec', '--id', 'redis', '--uid', 'root', 'sh'],
      'invalid value "root" for flag --uid: must be an integer, 0 or more, at most 4294967295',
    ],
    [['containers', 'stats'], "missing required argument 'id'"],
    [['help', 'bla'], "No help topic for 'bla'"],
  ])('is refused where it is wrong: %j', (argv, words) => {
    expect(readCommandLine(argv, {})).toEqual({
      kind: 'exit',
      status: 1,
      stdout: '',
      stderr: `[ctr] ${words}\n`,
    });
  });

  it('is refused where CONTAINERD_ADDRESS is no address', () => {
    expect(readCommandLine(['containers'], { CONTAINERD_ADDRESS: 'tcp://:80' })).toMatchObject({
      status: 1,
      stderr: "[ctr] CONTAINERD_ADDRESS: tcp is not supported: the address is a unix socket's\n",
    });
  });
});
