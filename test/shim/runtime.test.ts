import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { descriptorsOf } from '../linux/descriptors.ts';
import { buildShim, ShimUnderTest } from './shim-under-test.ts';

const built = await buildShim();
afterAll(() => built.remove());

/** Fewer than a shim has open, and enough for a shell. */
const SOFT_DESCRIPTORS = 16;

let shim: ShimUnderTest;
beforeEach(async () => {
  shim = new ShimUnderTest(built.program, { CONTAINERD_NOFILE: `${SOFT_DESCRIPTORS}:4096` });
  await shim.connect();
});
afterEach(() => shim.end());

/** Runs a shell as if it were a runtime, which says what it is run from. */
async function runtimeIn(cwd: string): Promise<string> {
  const argv = [shim.path('runc'), '-c', 'readlink /proc/$$/exe'];
  const env = [`PATH=${process.env.PATH}`];
  return (await shim.client.run({ container: 'a', argv, env, cwd, timeoutMs: 0 })).output;
}

describe('though containers may have fewer descriptors than the shim has open', () => {
  beforeEach(() => {
    expect(descriptorsOf(() => true, shim.client.pid).length).toBeGreaterThan(SOFT_DESCRIPTORS);
  });

  test('a process is started, with its stdio and no more than it may have', async () => {
    writeFileSync(shim.path('out'), '');
    await shim.run(shim.request('a', 'ulimit -Sn', { stdout: shim.path('out') }));
    expect(readFileSync(shim.path('out'), 'utf8')).toBe(`${SOFT_DESCRIPTORS}\n`);
  });

  test('a runtime is run from its copy', async () => {
    copyFileSync('/bin/dash', shim.path('runc'));
    expect(await runtimeIn('/')).toMatch(/^\/memfd:runc/);
  });
});

test('a runtime is run from its copy after a request that could not be run at all', async () => {
  copyFileSync('/bin/dash', shim.path('runc'));
  await expect(runtimeIn('/no/such/folder')).rejects.toMatchObject({ reason: 'spawn', errno: 2 });
  expect(await runtimeIn('/')).toMatch(/^\/memfd:runc/);
});
