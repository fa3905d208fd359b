import { expect, it } from 'vitest';
import { formatTable } from '../../src/cli/table.ts';
import { seed } from './seed.ts';

it.each(['containers', 'checkpoints', 'events'])('a table is printed as the original’s of %s', (name) => {
  const text = seed(name);
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(formatTable(rows)).toBe(text);
});

it('a column is as wide as its widest cell and three blanks more', () => {
  const path = '/var/lib/bundles/a-long-one';
  expect(
    formatTable([
      ['ID', 'PATH', 'PID1'],
      ['ü', path, '7'],
    ]),
  ).toBe(`ID                  PATH${' '.repeat(path.length - 1)}PID1\nü                   ${path}   7\n`);
});

it('a cell cannot break its line or reach the terminal', () => {
  expect(formatTable([['a\nb', '\u001b[2J']])).toBe('a\\x0ab              \\x1b[2J\n');
});
