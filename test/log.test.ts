import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

let folder: string;
let program: string;
beforeAll(async () => {
  const cache = join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, 'log-'));
  program = join(folder, 'log.mjs');
  const contents = `
    import { createLog } from './src/log.ts';
    const log = createLog({ debug: process.argv[2] === 'debug' });
    log.debug({ container: 'box' }, 'transition');
    log.info({ pid2: 7 }, 'ready');
    log.error({ err: new Error('oh \\x1b]0;title\\x07') }, 'trouble \\x9b2J');`;
  await build({
    stdin: { contents, resolveDir: ROOT, loader: 'ts' },
    absWorkingDir: ROOT,
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

const linesOf = (text: string): { level: number; msg: string }[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

it('on a pipe the log is a line of JSON for each entry, on stderr alone', async () => {
  const { stdout, stderr } = await run(process.execPath, [program]);
  expect(stdout).toBe('');
  expect(linesOf(stderr)).toMatchObject([
    {
      level: 30,
      name: 'containerd',
      msg: 'ready',
      pid2: 7,
      pid: expect.any(Number),
      time: expect.any(Number),
    },
    {
      level: 50,
      msg: 'trouble \x9b2J',
      err: { message: 'oh \x1b]0;title\x07', stack: expect.stringContaining('Error: oh') },
    },
  ]);
});

it('the log has what is only for debugging where it is asked for', async () => {
  const { stderr } = await run(process.execPath, [program, 'debug']);
  expect(linesOf(stderr).map(({ msg }) => msg)).toEqual(['transition', 'ready', 'trouble \x9b2J']);
});

it('on a terminal the log is for people', async () => {
  const command = `${process.execPath} ${program}`;
  const { stdout } = await run('script', ['--quiet', '--return', '--command', command, '/dev/null']);
  expect(stdout).not.toContain('{"level"');
  expect(stdout).toMatch(/INFO.*ready/);
  expect(stdout).toMatch(/ERROR.*trouble/);
  // What a container may have had a part in does nothing to it.
  expect(stdout).toContain('Error: oh \\x1b]0;title\\x07');
  expect(stdout).toContain('trouble \\x9b2J');
});
