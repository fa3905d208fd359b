import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { doErrand } from '../../src/errands/errand.ts';

let folder: string;
const at = (...names: string[]): string => path.join(folder, ...names);
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'errand-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const remove = (...files: string[]) => doErrand({ what: 'remove', files });
const removeFolder = (name: string) => doErrand({ what: 'remove-folder', folder: at(name) });

test('a folder is made with a file in it, both the daemon’s alone', () => {
  doErrand({ what: 'make', folder: at('box'), file: at('box', 'it'), text: 'words' });
  expect(readFileSync(at('box', 'it'), 'utf8')).toBe('words');
  expect([at('box'), at('box', 'it')].map((it) => statSync(it).mode & 0o777)).toEqual([0o700, 0o600]);
});

test('a folder that is there is not made again', async () => {
  await mkdir(at('box'));
  const make = () => doErrand({ what: 'make', folder: at('box'), file: at('box', 'it'), text: '' });
  expect(make).toThrowError(expect.objectContaining({ code: 'EEXIST' }));
  expect(await readdir(at('box'))).toEqual([]);
});

test('a file is written before others are removed', async () => {
  await writeFile(at('old'), '');
  doErrand({ what: 'write', file: at('new'), text: 'words', remove: [at('old')] });
  expect(await readdir(folder)).toEqual(['new']);
});

test('files are removed, whether they are there or not', async () => {
  await writeFile(at('one'), '');
  remove(at('one'), at('two'));
  expect(await readdir(folder)).toEqual([]);
});

test('what stands in the place of a file is removed, whatever it is', async () => {
  await mkdir(at('folder', 'deep'), { recursive: true });
  remove(at('folder'));
  expect(await readdir(folder)).toEqual([]);
});

test('what cannot be removed is said', async () => {
  await writeFile(at('one'), '');
  expect(() => remove(at('one', 'two'))).toThrowError(expect.objectContaining({ code: 'ENOTDIR' }));
});

test('a folder of files is removed', async () => {
  await mkdir(at('it'));
  await writeFile(at('it', 'one'), '');
  await writeFile(at('it', 'two'), '');
  removeFolder('it');
  expect(await readdir(folder)).toEqual([]);
});

test('a folder with folders in it is removed, but not what a link in it points to', async () => {
  await mkdir(at('it', 'criu', 'deep'), { recursive: true });
  await writeFile(at('it', 'criu', 'restore.log'), '');
  await writeFile(at('beside'), '');
  await symlink(at('beside'), at('it', 'link'));
  removeFolder('it');
  expect(await readdir(folder)).toEqual(['beside']);
});

test('a folder that is gone already is no error', () => {
  removeFolder('it');
  expect(existsSync(at('it'))).toBe(false);
});

test('an ended container whose record is not understood is left alone', async () => {
  await writeFile(at('container.json'), '{"version":2}');
  await mkdir(at('box'));
  const errand = { what: 'remove-ended', file: at('container.json'), root: folder, id: 'box' } as const;
  expect(() => doErrand(errand)).toThrowError('its record is of version 2');
  expect(existsSync(at('box'))).toBe(true);
});
