import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { deleteContainer, execRequest, makeBundle, runRequest } from './bundle.ts';
import { BOX, buildShim, ShimUnderTest } from './shim-under-test.ts';

const built = await buildShim();
afterAll(() => built.remove());

let shim: ShimUnderTest;
beforeEach(async () => {
  shim = new ShimUnderTest(built.program);
  await shim.connect();
});
afterEach(async () => {
  deleteContainer(shim, BOX);
  await shim.end();
});

function file(name: string, content = ''): string {
  writeFileSync(shim.path(name), content);
  return shim.path(name);
}

test('a container’s init is the shim’s to reap, with its output and its status', async () => {
  const stdio = { stdin: file('in', 'a line\n'), stdout: file('out'), stderr: file('err') };
  const bundle = makeBundle(shim.path('bundle'), 'cat; echo oops >&2; exit 9');
  expect((await shim.run(runRequest(shim, BOX, bundle, stdio))).status).toBe(9);
  expect(readFileSync(stdio.stdout, 'utf8')).toBe('a line\n');
  expect(readFileSync(stdio.stderr, 'utf8')).toBe('oops\n');
});

test('an exec is the shim’s to reap too, and dies with its container', async () => {
  const bundle = makeBundle(shim.path('bundle'), 'sleep 600');
  await shim.client.start(runRequest(shim, BOX, bundle));
  const stdout = file('out');
  const short = execRequest(shim, BOX, 'exec-1', ['/bin/sh', '-c', 'echo hello; exit 4'], { stdout });
  expect((await shim.run(short)).status).toBe(4);
  expect(readFileSync(stdout, 'utf8')).toBe('hello\n');

  const long = execRequest(shim, BOX, 'exec-2', ['/bin/sleep', '600']);
  await shim.client.start(long);
  await shim.client.kill({ container: BOX, process: 'init' }, 9);
  expect((await shim.exit({ container: BOX, process: 'init' })).status).toBe(128 + 9);
  expect((await shim.exit(long.key)).status).toBe(128 + 9);
});

test('runc’s own words are what a failed start says, and its client does not see them', async () => {
  const bundle = makeBundle(shim.path('bundle'), ['nope']);
  const stderr = file('err');
  await expect(shim.client.start(runRequest(shim, BOX, bundle, { stderr }))).rejects.toMatchObject({
    reason: 'runtime',
    exitStatus: 1,
    output: expect.stringContaining('exec: "nope": executable file not found in $PATH'),
  });
  expect(readFileSync(stderr, 'utf8')).toBe('');
});

test('an exec that fails says why', async () => {
  await shim.client.start(runRequest(shim, BOX, makeBundle(shim.path('bundle'), 'sleep 600')));
  const request = execRequest(shim, BOX, 'exec-1', ['nope'], { stderr: file('err') });
  await expect(shim.client.start(request)).rejects.toMatchObject({
    reason: 'runtime',
    output: expect.stringContaining('exec: "nope": executable file not found in $PATH'),
  });
});

test('a container ignores no signal because Node does', async () => {
  const stdout = file('out');
  const bundle = makeBundle(shim.path('bundle'), ['grep', '-E', 'Sig(Blk|Ign)', '/proc/self/status']);
  await shim.run(runRequest(shim, BOX, bundle, { stdout }));
  expect(readFileSync(stdout, 'utf8')).toBe('SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n');
});
