import { describe, expect, it } from 'vitest';
import { readCommandLine } from '../../src/ctr/program.ts';
import { linesBeyond, seed } from '../cli/seed.ts';

function help(...argv: string[]): string {
  const parsed = readCommandLine(argv, {});
  if (parsed.kind === 'run') throw new Error(`${argv.join(' ')} would run`);
  expect(parsed).toMatchObject({ status: 0, stderr: '' });
  return parsed.stdout;
}

describe('the help of ctr', () => {
  it('is the original’s, with lines for the commands that are ours', () => {
    expect(linesBeyond(help('--help'), seed('ctr')).map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['tree', 'list the actors of the daemon and their states'],
      ['history', 'show the states of a container, and what brought it there'],
      ['watch', 'watch the states of containers and what they use'],
    ]);
  });

  it.each([[['-h']], [['help']], [['h']], [[]], [['--debug', '-h']]])('is printed for %j', (argv) => {
    expect(help(...argv)).toBe(help('--help'));
  });

  it.each<[string, string[]]>([
    ['containers-start', ['containers', 'start']],
    ['containers-kill', ['containers', 'kill']],
    ['containers-exec', ['containers', 'exec']],
    ['containers-stats', ['containers', 'stats']],
    ['checkpoints-create', ['checkpoints', 'create']],
  ])('of %s is the original’s', (name, command) => {
    const text = help(...command, '-h');
    // README.md ends what it shows of some of them a line earlier.
    expect(text.trimEnd()).toBe(seed(name).trimEnd());
    expect(help(...command, '--help')).toBe(text);
  });

  it('of events has lines for the flags that are ours', () => {
    expect(help('events', '-h').split('\n').slice(7, -2)).toEqual([
      '   --since                              begin with those since a time, or that long ago',
      '   --id                                 only events of this container',
      '   --type [--type option --type option] types of events, instead of exit and oom',
      '   --json                               print one JSON object a line',
    ]);
  });

  it.each([
    [
      ['containers', '-h'],
      ['list', 'start', 'kill', 'exec', 'stats', 'help, h'],
    ],
  ])('%j lists the commands of the group', (argv, names) => {
    const lines = help(...argv).split('\n');
    const shown = lines.slice(lines.indexOf('COMMANDS:') + 1, lines.indexOf('OPTIONS:') - 1);
    expect(shown.map((line) => line.trim().split(/ {2,}/)[0])).toEqual(names);
    expect(help('containers', 'help', 'kill')).toBe(help('containers', 'kill', '-h'));
  });

  it('leaves the version to --version and -v', () => {
    expect(help('--version')).toBe('ctr version 0.0.4\n');
    expect(help('-v')).toBe('ctr version 0.0.4\n');
  });
});
