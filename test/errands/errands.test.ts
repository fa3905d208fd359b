import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Errands, startErrands } from '../../src/errands/errands.ts';

let folder: string;
let errands: Errands;
const at = (...names: string[]): string => path.join(folder, ...names);
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'errands-'));
});
afterEach(async () => {
  errands.close();
  await rm(folder, { recursive: true });
});

/** The thread's program, as the build makes it. */
async function program(): Promise<URL> {
  const outfile = at('program.mjs');
  await build({
    entryPoints: ['src/containerd-errands.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  return pathToFileURL(outfile);
}
const make = (name: string) =>
  ({ what: 'make', folder: at(name), file: at(name, 'it'), text: 'words' }) as const;

test('errands are done by a thread, in order', async () => {
  errands = startErrands(await program());
  const asked = [
    errands(make('box')),
    errands({ what: 'remove-folder', folder: at('box') }),
    errands(make('box')),
  ];
  expect(await Promise.all(asked)).toEqual([true, true, true]);
  expect(await readdir(at('box'))).toEqual(['it']);
});

test('what fails does so with the kernel’s error, and nothing after it', async () => {
  errands = startErrands(await program());
  await errands(make('box'));
  await expect(errands(make('box'))).rejects.toMatchObject({
    message: `EEXIST: file already exists, mkdir '${at('box')}'`,
    code: 'EEXIST',
    path: at('box'),
  });
  expect(await errands({ what: 'remove', files: [at('box', 'it')] })).toBe(true);
});

test.each([
  ['ends', 'process.exit(1)'],
  ['fails', "throw new Error('it broke')"],
  [
    'ends once it is asked',
    "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => process.exit())",
  ],
])('where the thread %s, errands are done without it', async (_, script) => {
  await writeFile(at('thread.mjs'), script);
  errands = startErrands(pathToFileURL(at('thread.mjs')));
  await Promise.all([errands(make('one')), errands(make('two'))]);
  await errands(make('three'));
  expect((await readdir(folder)).sort()).toEqual(['one', 'thread.mjs', 'three', 'two']);
});
