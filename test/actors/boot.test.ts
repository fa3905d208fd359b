import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bootId, isOfFormerBoot, noteBoot } from '../../src/actors/boot.ts';
import { type StateDir, stateDirAt } from '../../src/actors/state-dir.ts';

let stateDir: StateDir;
beforeEach(() => {
  stateDir = stateDirAt(mkdtempSync(join(tmpdir(), 'boot-')));
});
afterEach(() => rmSync(stateDir.root, { recursive: true }));

it('a state dir is of this boot once that is noted, and where nothing is', async () => {
  expect(await isOfFormerBoot(stateDir)).toBe(false);
  await noteBoot(stateDir);
  expect(await isOfFormerBoot(stateDir)).toBe(false);
  expect(readFileSync(stateDir.boot, 'utf8').trim()).toBe(await bootId());
  expect(readdirSync(stateDir.root)).toEqual(['boot']);
});

it('a state dir of another boot is told, until this one is noted', async () => {
  writeFileSync(stateDir.boot, 'another\n');
  expect(await isOfFormerBoot(stateDir)).toBe(true);
  await noteBoot(stateDir);
  expect(await isOfFormerBoot(stateDir)).toBe(false);
});

it('what is noted already is not written again, whatever the disk takes', async () => {
  await noteBoot(stateDir);
  const { ino } = statSync(stateDir.boot);
  await noteBoot(stateDir);
  expect(statSync(stateDir.boot).ino).toBe(ino);
});
