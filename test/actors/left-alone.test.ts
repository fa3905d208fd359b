import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LeftAlone } from '../../src/actors/left-alone.ts';
import { type StateDir, stateDirAt } from '../../src/actors/state-dir.ts';

let stateDir: StateDir;
beforeEach(() => {
  stateDir = stateDirAt(mkdtempSync(join(tmpdir(), 'left-alone-')));
  mkdirSync(stateDir.container('web'), { recursive: true });
});
afterEach(() => rmSync(stateDir.root, { recursive: true }));

it('has the name of a container that was left alone, as long as that is there', async () => {
  const left = new LeftAlone(stateDir);
  expect(await left.has('web')).toBe(false);
  left.add('web');
  expect(await left.has('web')).toBe(true);
  rmSync(stateDir.container('web'), { recursive: true });
  expect(await left.has('web')).toBe(false);
  // It is somebody else's from then on.
  mkdirSync(stateDir.container('web'));
  expect(await left.has('web')).toBe(false);
});

it('has the names of all that there are, where nothing could be taken up', async () => {
  const left = new LeftAlone(stateDir);
  left.addAll();
  expect(await left.has('web')).toBe(true);
  expect(await left.has('db')).toBe(false);
});
