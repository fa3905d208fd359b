import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPipe } from '../src/linux/pipe.ts';

let folder: string;
let program: string;

/** A program that logs as many lines as it is told, then says so on its stdin's other end by ending. */
beforeAll(async () => {
  // Where koffi is found.
  const cache = fileURLToPath(new URL('../node_modules/.cache', import.meta.url));
  await mkdir(cache, { recursive: true });
  folder = await mkdtemp(path.join(cache, 'log-'));
  program = path.join(folder, 'program.mjs');
  const output = fileURLToPath(new URL('../src/line-output.ts', import.meta.url));
  await build({
    stdin: {
      contents: `import { createLineOutput } from ${JSON.stringify(output)};
        const log = createLineOutput(2, (count) => count + ' lines were lost\\n');
        for (let n = 0; n < Number(process.argv[2]); n += 1) log.write('line ' + n + '\\n');
        log.flush(() => process.exit(0));`,
      resolveDir: folder,
    },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['koffi'],
  });
});
afterAll(() => rm(folder, { recursive: true }));

function log(lines: number, stderr: number | 'pipe') {
  const child = spawn(process.execPath, [program, String(lines)], { stdio: ['ignore', 'ignore', stderr] });
  return { child, ended: once(child, 'exit') };
}

it('every line is there once, in order, when the process has ended', async () => {
  const { child, ended } = log(5000, 'pipe');
  let text = '';
  child.stderr?.on('data', (chunk) => {
    text += chunk;
  });
  await ended;
  if (!child.stderr?.readableEnded) await once(child.stderr as NodeJS.ReadableStream, 'end');
  expect(text.trimEnd().split('\n')).toEqual(Array.from({ length: 5000 }, (_, n) => `line ${n}`));
});

it('a reader that has gone does not keep the process from ending', async () => {
  const { read, write } = createPipe();
  closeSync(read);
  const { ended } = log(1000, write);
  closeSync(write);
  expect(await ended).toEqual([0, null]);
});

it('a reader that does not read does not keep the process from ending', async () => {
  const { read, write } = createPipe();
  const { ended } = log(20_000, write);
  closeSync(write);
  expect(await ended).toEqual([0, null]);
  closeSync(read);
});

it('what does not fit in memory is counted, and the count is told', async () => {
  const { read, write } = createPipe();
  // More than a pipe and the memory for it hold: 200,000 lines have some 2 MB.
  const { ended } = log(200_000, write);
  closeSync(write);
  let text = '';
  const bytes = Buffer.alloc(65_536);
  for (let n = readSync(read, bytes); n > 0; n = readSync(read, bytes)) text += bytes.toString('utf8', 0, n);
  closeSync(read);
  expect(await ended).toEqual([0, null]);
  const lines = text.trimEnd().split('\n');
  const lost = /(\d+) lines were lost/.exec(text)?.[1];
  expect(lines.filter((line) => line.startsWith('line ')).length + Number(lost)).toBe(200_000);
});
