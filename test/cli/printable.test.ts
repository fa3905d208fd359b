import { expect, it } from 'vitest';
import { printable, printableLines } from '../../src/cli/printable.ts';

it('a line has no control character, and all else as it was', () => {
  expect(printable('a\nb\tc\x1b[2J\x9b\x7fü')).toBe('a\\x0ab\\x09c\\x1b[2J\\x9b\\x7fü');
});

it('lines may end, and have tabs', () => {
  expect(printableLines('a\nb\tc\x1b]0;title\x07\r')).toBe('a\nb\tc\\x1b]0;title\\x07\\x0d');
});
