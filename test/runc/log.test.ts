import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { lastWords, lastWordsIn } from '../../src/runc/log.ts';

const line = (level: string, msg: unknown): string =>
  JSON.stringify({ level, msg, time: '2015-12-16T11:48:28Z' });

describe('the last words of runc', () => {
  it.each([
    ['an error', [line('error', 'no')], 'no'],
    ['a fatal error', [line('fatal', 'no')], 'no'],
    ['the last of several errors', [line('error', 'a'), line('error', 'b')], 'b'],
    ['an error before a warning', [line('error', 'a'), line('warning', 'b'), line('info', 'c')], 'a'],
    ['plain text', ['panic: oh'], 'panic: oh'],
    ['the last line of plain text', ['one', ' two ', '', '  '], 'two'],
    ['an error after plain text', ['one', line('error', 'two')], 'two'],
    ['JSON that is no entry of a log', ['{"a":1}'], '{"a":1}'],
    ['a number', ['5'], '5'],
    ['null', ['null'], 'null'],
    ['an entry without a level', [JSON.stringify({ msg: 'a' })], ''],
    ['warnings alone', [line('warning', 'hm')], ''],
    ['lines that end in CR', [`${line('error', 'a')}\r`], 'a'],
    ['nothing', [''], ''],
  ])('are %s', (_, lines, expected) => {
    expect(lastWords(lines.join('\n'))).toBe(expected);
  });

  it('are text, whatever it wrote', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.json())), (lines) => {
        expect(typeof lastWords(lines.join('\n'))).toBe('string');
      }),
    );
  });
});

describe('the last words of a log file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'));
  const file = join(folder, 'log');
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are found at the end of 100 MB', async () => {
    writeFileSync(file, '');
    truncateSync(file, 100 * 2 ** 20);
    appendFileSync(file, `\n${JSON.stringify({ level: 'error', msg: 'no luck' })}\n`);
    const before = process.memoryUsage().rss;
    expect(await lastWordsIn(file)).toBe('no luck');
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 2 ** 20);
    rmSync(file);
  });

  it('are none where there is a FIFO or a folder in its place, or nothing', async () => {
    expect(await lastWordsIn(file)).toBe('');
    execFileSync('mkfifo', [file]);
    expect(await lastWordsIn(file)).toBe('');
    expect(await lastWordsIn(folder)).toBe('');
  });
});
