import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeFiles, removeFolder } from '../../src/actors/remove.ts';

let folder: string;
const at = (...names: string[]): string => path.join(folder, ...names);
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'remove-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('files are removed, whether they are there or not', async () => {
  await writeFile(at('one'), '');
  await removeFiles(at('one'), at('two'));
  expect(await readdir(folder)).toEqual([]);
});

test('what stands in the place of a file is removed, whatever it is', async () => {
  await mkdir(at('folder', 'deep'), { recursive: true });
  await removeFiles(at('folder'));
  expect(await readdir(folder)).toEqual([]);
});

test('what cannot be removed is said', async () => {
  await writeFile(at('one'), '');
  await expect(removeFiles(at('one', 'two'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test('a folder of files is removed', async () => {
  await mkdir(at('it'));
  await writeFile(at('it', 'one'), '');
  await writeFile(at('it', 'two'), '');
  await removeFolder(at('it'));
  expect(await readdir(folder)).toEqual([]);
});

test('a folder with folders in it is removed, but not what a link in it points to', async () => {
  await mkdir(at('it', 'criu', 'deep'), { recursive: true });
  await writeFile(at('it', 'criu', 'restore.log'), '');
  await writeFile(at('beside'), '');
  await symlink(at('beside'), at('it', 'link'));
  await removeFolder(at('it'));
  expect(await readdir(folder)).toEqual(['beside']);
});

test('a folder that is gone already is no error', async () => {
  await removeFolder(at('it'));
  expect(await readdir(folder)).toEqual([]);
});
