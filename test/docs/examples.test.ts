import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examplesIn, matches } from './examples.ts';
import { type RunOptions, runExamples } from './run-examples.ts';

describe('the examples of a page', () => {
  it('are the commands of its console fences and what they print', () => {
    const page = [
      'Text with `$ code`.',
      '```sh',
      '$ not this',
      '```',
      '```console',
      '$ cat <<END',
      '> one',
      '> END',
      'one',
      '',
      '$ tail -f log',
      '…',
      '^C',
      '```',
    ].join('\n');
    expect(examplesIn(page)).toEqual([
      { line: 6, command: 'cat <<END\none\nEND', output: [['one', '']], keys: [] },
      { line: 11, command: 'tail -f log', output: [['…'], []], keys: ['^C'] },
    ]);
  });

  it('begin with a command', () => {
    expect(() => examplesIn('```console\nls\n```')).toThrow('line 2 is the output of no command: ls');
  });
});

describe('output', () => {
  it.each([
    ['the same lines', ['a', 'b'], ['a', 'b'], true],
    ['another line', ['a', 'b'], ['a', 'c'], false],
    ['a line too many', ['a'], ['a', 'b'], false],
    ['a line too few', ['a', 'b'], ['a'], false],
    ['nothing', [], [], true],
    ['blanks and blank lines at the end', ['a', ''], ['a   ', '', ''], true],
    ['what varies in a line', ['pid … of …'], ['pid 17 of 20'], true],
    ['what varies in one line alone', ['a … b'], ['a', 'b'], false],
    ['a column that moves', ['ID     …      7', 'min:      …'], ['ID  1234  7', 'min: 12'], true],
    ['a column that is not there', ['ID  …  7'], ['ID 1234'], false],
    ['a gap that is wider', ['ID    PATH'], ['ID       PATH'], true],
    ['a gap that is none', ['ID    PATH'], ['ID PATH'], false],
    ['another indentation', ['  ID'], ['   ID'], false],
    ['a blank that is one', ['a … b'], ['a1 b'], false],
    ['any lines', ['a', '…', 'z'], ['a', 'b', 'c', 'z'], true],
    ['no lines where any are allowed', ['a', '…', 'z'], ['a', 'z'], true],
    ['any lines up to one that is not there', ['a', '…', 'z'], ['a', 'b', 'c'], false],
    ['any lines that must not take too many', ['…', 'z', '…'], ['z', 'y', 'z'], true],
    ['signs that mean something to a pattern', ['a.b (c) [d]*'], ['a.b (c) [d]*'], true],
    ['a point that is no other sign', ['a.b'], ['axb'], false],
  ])('is compared: %s', (_, expected, got, same) => {
    expect(matches(expected, got)).toBe(same);
  });

  it('may go on where it is waited for', () => {
    expect(matches(['a'], ['a', 'b'], { open: true })).toBe(true);
    expect(matches(['b'], ['a', 'b'], { open: true })).toBe(false);
  });
});

describe('a page', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'page-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const run = (options: Partial<RunOptions>, ...lines: string[]) =>
    runExamples(examplesIn(['```console', ...lines, '```'].join('\n')), {
      folder,
      env: process.env,
      commandTimeoutMs: 10_000,
      lateOutputMs: 500,
      ...options,
    });

  it('is run in one shell, in order, on a terminal', async () => {
    const wrong = await run(
      {},
      '$ pwd',
      '…/page-…',
      '$ x="a!b"; mkdir -p sub && cd sub',
      '$ echo $x; basename $PWD',
      'a!b',
      'sub',
      '$ cat <<END | tr a-z A-Z',
      '> shout',
      '> END',
      'SHOUT',
      '$ test -t 0 && test -t 1 && echo a terminal; echo to stderr >&2',
      'a terminal',
      'to stderr',
    );
    expect(wrong).toEqual([]);
  });

  it('is told where it is wrong, with what was expected and what came', async () => {
    const wrong = await run(
      {},
      '$ echo one',
      'one',
      '$ printf "two\\nthree\\n"',
      'two',
      '3',
      '$ echo four',
      'four',
    );
    expect(wrong).toEqual([
      [
        'line 4: $ printf "two\\nthree\\n"',
        'different',
        'expected:',
        '  two',
        '  3',
        'got:',
        '  two',
        '  three',
        '  ',
      ].join('\n'),
    ]);
  });

  it('presses keys once what comes before them has been printed', async () => {
    const wrong = await run(
      {},
      '$ sh -c \'trap "echo bye; exit 3" INT; echo ready; while :; do sleep 0.1; done\'',
      'ready',
      '^C',
      'bye',
      '$ echo $?',
      '3',
      '$ cat',
      '^D',
      '$ sleep 1000',
      '^C',
    );
    expect(wrong).toEqual([]);
  });

  it('may run commands in the background, whose output comes when it comes', async () => {
    const wrong = await run(
      {},
      '$ (sleep 0.2; echo later) &',
      '[1] …',
      '$ echo now',
      'now',
      'later',
      '$ sleep 1000 &',
      '$ kill %%; wait',
    );
    expect(wrong).toEqual([]);
  });

  it('ends at a command that does not', async () => {
    const wrong = await run({ commandTimeoutMs: 500 }, '$ sleep 1000', '$ echo on', 'on');
    expect(wrong).toEqual(['line 2: $ sleep 1000\nit has not ended\nexpected:\ngot:\n  ']);
  });

  it('leaves nothing running, whether it waits for what never comes or runs in the background', async () => {
    const marks = [4711, 4712].map((seconds) => `${seconds}.${process.pid}`);
    const wrong = await run(
      { commandTimeoutMs: 1_000 },
      `$ sleep ${marks[0]} &`,
      `$ sleep ${marks[1]}`,
      'never',
      '^C',
    );
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toContain('not what comes before ^C');
    const { stdout } = await promisify(execFile)('ps', ['-eo', 'args']);
    expect(stdout.split('\n').filter((args) => marks.includes(args.split(' ')[1] ?? ''))).toEqual([]);
  });
});
