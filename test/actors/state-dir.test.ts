import { chmodSync, chownSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeStateDir, stateDirAt } from '../../src/actors/state-dir.ts';
import { parseDaemonFlags } from '../../src/cli/daemon-flags.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'state-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const modeOf = (file: string): number => statSync(file).mode & 0o777;

it('the state dir can be passed through by all, and what is in it looked at by the daemon alone', async () => {
  const stateDir = stateDirAt(path.join(folder, 'a/b'));
  await makeStateDir(stateDir);
  expect(modeOf(stateDir.root)).toBe(0o711);
  expect([stateDir.runc, stateDir.containers].map(modeOf)).toEqual([0o700, 0o700]);
});

it('a state dir that is there is taken as it is', async () => {
  const stateDir = stateDirAt(folder);
  await makeStateDir(stateDir);
  await makeStateDir(stateDir);
  expect(modeOf(folder)).toBe(0o700);
});

it('a state dir in which others can write is not taken', async () => {
  for (const [mode, owner] of [
    [0o777, 0],
    [0o1777, 0],
    [0o720, 0],
    [0o711, 12_345],
  ] as const) {
    chmodSync(folder, mode);
    chownSync(folder, owner, owner);
    await expect(makeStateDir(stateDirAt(folder))).rejects.toThrow(
      `others can write in the state dir ${folder}`,
    );
  }
});

it('a container’s folder is one of its own, whatever the container is called', () => {
  const { container, containers } = stateDirAt('/s');
  for (const id of ['a', '-rf', '...', 'x'.repeat(255)]) {
    expect(path.dirname(container(id))).toBe(containers);
  }
});

it('the path of a console’s socket is new each time, and fits into an address in the longest state dir', () => {
  const parsed = parseDaemonFlags(['--state-dir', `/${'x'.repeat(79)}`], { hostname: 'h' });
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  const stateDir = stateDirAt(parsed.flags.stateDir);
  const [first, second] = [stateDir.newConsoleSocket(), stateDir.newConsoleSocket()];
  expect(first).not.toBe(second);
  const longest = path.join(path.dirname(first), '4194304-999999999');
  expect(Buffer.byteLength(longest)).toBeLessThanOrEqual(107);
});
