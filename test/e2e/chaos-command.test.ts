import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { within } from '../linux/deadline.ts';
import { cgroupsNamed } from './fixtures/host.ts';
import { Window } from './fixtures/terminal.ts';
import { until } from './fixtures/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PATIENCE_MS = 60_000;
/** Containers that do not heed TERM are given ten seconds by a daemon: these are not waited for. */
const MOMENT_MS = 8_000;

let folder: string;
let window: Window | undefined;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'chaos-command-'));
});
afterEach(async () => {
  window?.close();
  await rm(folder, { recursive: true });
});

function chaos(...args: string[]): Window {
  const program = [path.join(root, 'scripts', 'run-ts.mjs'), path.join(root, 'bench', 'chaos.ts')];
  window = new Window(process.execPath, [...program, '--seed', '4', ...args], { env: { TMPDIR: folder } });
  return window;
}

describe('Ctrl-C ends npm run chaos, which says its seed and how much has happened', () => {
  it('on a simulated host', async () => {
    const running = chaos('--simulated');
    await running.shows(/[1-9]\d* happenings/);
    running.type('\x03');
    expect(await within(MOMENT_MS, 'its end', running.ended())).toBe(0);
    await running.shows(/[1-9]\d* happenings from seed 4, nothing wrong/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('on a real one, and leaves nothing of what it has started', async () => {
    const running = chaos();
    const prefix = `chaos-${running.child.pid}-`;
    await until(async () => (await cgroupsNamed(prefix)).length > 0, PATIENCE_MS);
    running.type('\x03');
    expect(await within(MOMENT_MS, 'its end', running.ended())).toBe(0);
    await running.shows(/[1-9]\d* happenings from seed 4, nothing wrong/);
    expect(await readdir(folder)).toEqual([]);
    expect(await cgroupsNamed(prefix)).toEqual([]);
  });
});
