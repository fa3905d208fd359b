import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDaemonFlags } from '../../src/cli/daemon-flags.ts';
import { linesBeyond, seed } from './seed.ts';

const parse = (...argv: string[]) => parseDaemonFlags(argv, { hostname: 'deathstar' });
function flagsOf(...argv: string[]) {
  const parsed = parse(...argv);
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.flags;
}

const DEFAULTS = {
  id: 'deathstar',
  debug: false,
  stateDir: '/run/containerd',
  concurrency: 10,
  metricsIntervalMs: 60_000,
  listen: '/run/containerd/containerd.sock',
  oomNotify: false,
  runtime: 'runc',
  liveRestore: false,
  graphiteAddress: '',
  runtimeTimeoutMs: 120_000,
  checkpointTimeoutMs: 600_000,
  journalBytes: 67_108_864,
  journalAgeMs: 604_800_000,
  inspect: undefined,
  inspectSecrets: false,
};

describe('the daemon’s flags', () => {
  it('have defaults', () => {
    expect(flagsOf()).toEqual(DEFAULTS);
  });

  it.each([
    [['--id', 'x'], { id: 'x' }],
    [['--live-restore'], { liveRestore: true }],
    [['--debug', '--oom-notify'], { debug: true, oomNotify: true }],
    [['--state-dir', '/var/../s/'], { stateDir: '/s' }],
    [['--state-dir', 's'], { stateDir: path.resolve('s') }],
    [[`--state-dir=/${'x'.repeat(79)}`], { stateDir: `/${'x'.repeat(79)}` }],
    [['--concurrency', '3'], { concurrency: 3 }],
    [['-c', '3'], { concurrency: 3 }],
    [['--metrics-interval=1m0.5s'], { metricsIntervalMs: 60_500 }],
    [['--listen', 'unix:///tmp/c.sock'], { listen: '/tmp/c.sock' }],
    [['-l', '/tmp/c.sock'], { listen: '/tmp/c.sock' }],
    [['--runtime', '/usr/sbin/crun'], { runtime: '/usr/sbin/crun' }],
    [['--runtime', 'bin/crun'], { runtime: path.resolve('bin/crun') }],
    [['--runtime', 'crun'], { runtime: 'crun' }],
    [['--group', '1234'], { group: 1234 }],
    [['--group', 'root'], { group: 0 }],
    [['--runtime-timeout', '1h'], { runtimeTimeoutMs: 3_600_000 }],
    [['--runtime-timeout', '1.0006s'], { runtimeTimeoutMs: 1_001 }],
    [['--checkpoint-timeout', '20m'], { checkpointTimeoutMs: 1_200_000 }],
    [['--journal-age', '1h0.0001s'], { journalAgeMs: 3_600_000 }],
    [['--graphite-address', 'graphite.example:2003'], { graphiteAddress: 'graphite.example:2003' }],
    [['--graphite-address', '[::1]:2003'], { graphiteAddress: '[::1]:2003' }],
    [['--inspect', '127.0.0.1:7000'], { inspect: { host: '127.0.0.1', port: 7000 } }],
    [['--inspect', ':7000'], { inspect: { host: '127.0.0.1', port: 7000 } }],
    [['--inspect', 'LocalHost:7000'], { inspect: { host: 'localhost', port: 7000 } }],
    [['--inspect', '0'], { inspect: { host: '127.0.0.1', port: 0 } }],
    [
      ['--inspect', '[::1]:1', '--inspect-secrets'],
      { inspect: { host: '::1', port: 1 }, inspectSecrets: true },
    ],
    [['--journal-bytes', '4096', '--journal-age', '24h'], { journalBytes: 4096, journalAgeMs: 86_400_000 }],
  ])('take %j', (argv, flags) => {
    expect(flagsOf(...argv)).toEqual({ ...DEFAULTS, ...flags });
  });

  it.each([
    [['-debug', '-id', '-debug'], { debug: true, id: '-debug' }],
    [['-concurrency=4', '-oom-notify=true'], { concurrency: 4, oomNotify: true }],
    [['--debug', '--debug=false'], { debug: false }],
    [['-c=4', '-l=/tmp/c.sock'], { concurrency: 4, listen: '/tmp/c.sock' }],
    [['--c', '4', '--l=/tmp/c.sock'], { concurrency: 4, listen: '/tmp/c.sock' }],
  ])('may be written as Go’s: %j', (argv, flags) => {
    expect(flagsOf(...argv)).toEqual({ ...DEFAULTS, ...flags });
  });

  it.each([
    [['--group', 'no-such-group'], 'invalid value "no-such-group" for flag --group: there is no such group'],
    [['--group', '4294967295'], 'invalid value "4294967295" for flag --group: is out of range'],
    [['-c', '0'], 'invalid value "0" for flag --concurrency: must be a positive integer'],
    [['-c', '-1'], 'invalid value "-1" for flag --concurrency: must be a positive integer'],
    [['-c', '1e3'], 'invalid value "1e3" for flag --concurrency: must be a positive integer'],
    [['-c'], "option '-c, --concurrency <value>' argument missing"],
    [
      ['--metrics-interval', '10'],
      'invalid value "10" for flag --metrics-interval: time: missing unit in duration "10"',
    ],
    [['--metrics-interval', '0s'], 'invalid value "0s" for flag --metrics-interval: must be at least 1ms'],
    [
      ['--metrics-interval', '600h'],
      'invalid value "600h" for flag --metrics-interval: must be at most 596h31m23.647s',
    ],
    [['--id', ''], 'invalid value "" for flag --id: must not be empty'],
    [
      [`--state-dir=/${'é'.repeat(40)}`],
      `invalid value "/${'é'.repeat(40)}" for flag --state-dir: must be no longer than 80 bytes, as there are sockets in it`,
    ],
    [['--state-dir='], 'invalid value "" for flag --state-dir: must not be empty'],
    [
      ['-l', 'tcp://:80'],
      'invalid value "tcp://:80" for flag --listen: tcp is not supported: the address is a unix socket\'s',
    ],
    [
      ['--journal-bytes', '64'],
      'invalid value "64" for flag --journal-bytes: must be an integer, 512 or more',
    ],
    [['--inspect', ''], 'invalid value "" for flag --inspect: must be host:port'],
    [['--inspect', 'host'], 'invalid value "host" for flag --inspect: must be host:port'],
    [['--inspect', ':65536'], 'invalid value ":65536" for flag --inspect: must be host:port'],
    [['--graphite-address', 'host'], 'invalid value "host" for flag --graphite-address: must be host:port'],
    [
      ['--graphite-address', 'h:65536'],
      'invalid value "h:65536" for flag --graphite-address: must be host:port',
    ],
    [['--debug=perhaps'], 'invalid boolean value "perhaps" for flag --debug'],
    [['--debgu'], "unknown option '--debgu' (Did you mean --debug?)"],
    [['start'], "unknown command 'start'"],
    [['help', 'start'], "No help topic for 'start'"],
  ])('are refused: %j', (argv, words) => {
    expect(parse(...argv)).toEqual({
      kind: 'exit',
      status: 1,
      stdout: '',
      stderr: `[containerd] ${words}\n`,
    });
  });
});

describe('the daemon’s help', () => {
  const help = parse('--help');
  const text = help.kind === 'exit' ? help.stdout : '';

  it('is the original’s, with lines for the commands and flags that are ours', () => {
    expect(help).toMatchObject({ kind: 'exit', status: 0, stderr: '' });
    expect(linesBeyond(text, seed('containerd'))).toEqual([
      '   machines print a state chart of the daemon',
      '   replay   say where a journal and the charts part',
      '   --group                      name or id of the group that may connect',
      '   --live-restore                   leave the containers running when told to end',
      '   --runtime "runc"                 name or path of the runtime',
      '   --runtime-timeout "2m0s"             how long the runtime may take',
      '   --checkpoint-timeout "10m0s"             how long a checkpoint or a restore may take',
      '   --graphite-address                   host:port of a Graphite server',
      '   --journal-bytes "67108864"               size of the journal of events',
      '   --journal-age "168h0m0s"             how long the journal keeps an event',
      '   --inspect                        host:port of the live page',
      '   --inspect-secrets                    show args and env on the live page',
    ]);
  });

  it.each([[['-h']], [['-help']], [['help']], [['h']], [['--debug', '-h']]])('is printed for %j', (argv) => {
    expect(parse(...argv)).toEqual(help);
  });

  it.each(['--version', '-v'])('leaves the version to %s', (flag) => {
    const stdout = 'containerd version 0.0.4\n';
    expect(parse(flag)).toEqual({ kind: 'exit', status: 0, stdout, stderr: '' });
  });
});

describe('the daemon’s charts', () => {
  it.each([
    [['machines'], { name: 'machines', chart: 'container', format: 'json' }],
    [['machines', 'process', '--format', 'svg'], { name: 'machines', chart: 'process', format: 'svg' }],
    [
      ['machines', '-format=mermaid', 'supervisor'],
      { name: 'machines', chart: 'supervisor', format: 'mermaid' },
    ],
    [['replay', 'events.jsonl'], { name: 'replay', journal: path.resolve('events.jsonl'), json: false }],
    [['replay', '/e', '--json'], { name: 'replay', journal: '/e', json: true }],
  ])('are asked about by %j', (argv, command) => {
    expect(parse(...argv)).toEqual({ kind: 'charts', command });
  });

  it.each([
    [['machines', 'x'], 'unknown chart "x": there are container, process, supervisor'],
    [['machines', '--format', 'png'], 'invalid value "png" for flag --format: there are json, mermaid, svg'],
    [['replay'], "missing required argument 'journal'"],
  ])('are not asked about by %j', (argv, complaint) => {
    expect(parse(...argv)).toEqual({
      kind: 'exit',
      status: 1,
      stdout: '',
      stderr: `[containerd] ${complaint}\n`,
    });
  });
});
