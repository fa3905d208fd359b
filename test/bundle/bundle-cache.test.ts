import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readBundle } from '../../src/bundle/bundle.ts';
import { rememberBundles } from '../../src/bundle/bundle-cache.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'bundles-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const configOf = (arg: string, more = ''): string => JSON.stringify({ process: { args: [arg] }, more });
const write = (name: string, config: string): Promise<void> =>
  writeFile(path.join(folder, name, 'config.json'), config);

async function makeBundle(name = 'it', config = configOf('one')): Promise<string> {
  await mkdir(path.join(folder, name));
  await write(name, config);
  return path.join(folder, name);
}

/** A reader for which all files are old enough, and the bundles that were really read. */
function reader(nowNs = () => BigInt(Date.now() + 60_000) * 1_000_000n) {
  const reads: string[] = [];
  const read = rememberBundles((bundlePath) => {
    reads.push(path.basename(bundlePath));
    return readBundle(bundlePath);
  }, nowNs);
  return { read, reads };
}

test('a bundle that has not changed is read once', async () => {
  const bundle = await makeBundle();
  const { read, reads } = reader();
  const first = await read(bundle);
  expect(await read(bundle)).toBe(first);
  expect(reads).toEqual(['it']);
});

test('one that was written anew is read anew, though it has the same size and time', async () => {
  const bundle = await makeBundle();
  const { read } = reader();
  await read(bundle);
  await write('it', configOf('two'));
  await utimes(path.join(bundle, 'config.json'), 1, 1);
  expect((await read(bundle)).process.args).toEqual(['two']);
});

test('one that was put in the place of another is read', async () => {
  const bundle = await makeBundle();
  const { read } = reader();
  await read(bundle);
  await makeBundle('other', configOf('two'));
  await rename(path.join(folder, 'other', 'config.json'), path.join(bundle, 'config.json'));
  expect((await read(bundle)).process.args).toEqual(['two']);
});

test('one that was written a moment ago is not trusted to stay', async () => {
  const bundle = await makeBundle();
  const { read, reads } = reader(() => BigInt(Date.now()) * 1_000_000n);
  await read(bundle);
  await read(bundle);
  expect(reads).toEqual(['it', 'it']);
});

test('one that is gone is missing', async () => {
  const bundle = await makeBundle();
  const { read } = reader();
  await read(bundle);
  await rm(bundle, { recursive: true });
  await expect(read(bundle)).rejects.toMatchObject({ failure: { error: 'bundleNotFound' } });
});

test('a large one is not kept', async () => {
  const bundle = await makeBundle('it', configOf('one', 'x'.repeat(70_000)));
  const { read, reads } = reader();
  await read(bundle);
  await read(bundle);
  expect(reads).toEqual(['it', 'it']);
});

test('of many bundles the last ones are kept', async () => {
  const bundles = await Promise.all(Array.from({ length: 65 }, (_, n) => makeBundle(`b${n}`)));
  const { read, reads } = reader();
  for (const bundle of bundles) await read(bundle);
  await read(bundles[64] ?? '');
  await read(bundles[0] ?? '');
  expect(reads.slice(65)).toEqual(['b0']);
});
