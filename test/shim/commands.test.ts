import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import type { ShimRun } from '../../src/shim/client.ts';
import { ShimError } from '../../src/shim/error.ts';
import { buildShim, ShimUnderTest } from './shim-under-test.ts';

const built = await buildShim();
afterAll(() => built.remove());

let shim: ShimUnderTest;
beforeEach(async () => {
  shim = new ShimUnderTest(built.program);
  await shim.connect();
});
afterEach(() => shim.end());

const command = (script: string, changes: Partial<ShimRun> = {}): ShimRun => ({
  container: 'a',
  argv: ['sh', '-c', script],
  env: [`PATH=${process.env.PATH}`],
  cwd: '/',
  timeoutMs: 0,
  ...changes,
});

/** Why a run failed. */
async function failure(request: ShimRun): Promise<ShimError> {
  const error = await shim.client.run(request).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ShimError);
  return error as ShimError;
}

/** A FIFO, and how to let go of whoever waits to read from it. */
function barrier(): { path: string; open: () => void } {
  const path = shim.path('barrier');
  execFileSync('mkfifo', [path]);
  return { path, open: () => closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK)) };
}

test('a program is run to its end, and answered with its status and what it wrote', async () => {
  const ran = await shim.client.run(command('echo "$PATH"; pwd; echo to stderr >&2; exit 5'));
  expect(ran).toEqual({ exitStatus: 5, output: `${process.env.PATH}\n/\nto stderr\n` });
});

test('a program that a signal ends is answered with 128 and the signal', async () => {
  expect(await shim.client.run(command('kill -9 $$'))).toEqual({ exitStatus: 137, output: '' });
});

test('of a program that writes much the end is kept', async () => {
  const { exitStatus, output } = await shim.client.run(
    command('i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done'),
  );
  expect(exitStatus).toBe(0);
  expect(output).toHaveLength(4096);
  expect(output.endsWith('line 2998\nline 2999\n')).toBe(true);
});

test('a program that takes too long is killed with what it has started, and said to have been', async () => {
  const error = await failure(
    command(`echo $$ > ${shim.path('pid')}; sleep 600 & wait`, { timeoutMs: 2_000 }),
  );
  expect(error).toMatchObject({ reason: 'timeout', message: 'sh was killed after 2000 ms', exitStatus: 137 });
  const pid = readFileSync(shim.path('pid'), 'utf8').trim();
  const isThere = () => spawnSync('kill', ['-0', '--', `-${pid}`]).status === 0;
  await expect.poll(isThere).toBe(false);
});

test('what is longer than the shim takes is refused, and costs nobody the connection', async () => {
  const env = [`X=${'x'.repeat(17 * 1024 * 1024)}`];
  await expect(shim.client.run(command('true', { env }))).rejects.toMatchObject({
    failure: { error: 'invalidArgument' },
  });
  expect((await shim.client.run(command('true'))).exitStatus).toBe(0);
  expect(shim.lost).toBeUndefined();
});

test('a program that is not there is said to be missing', async () => {
  expect(await failure(command('', { argv: ['/nowhere/runc'] }))).toMatchObject({
    reason: 'spawn',
    errno: 2,
  });
});

test('a container is settled once nothing is run for it any more, whoever asked for that', async () => {
  const gate = barrier();
  shim.client.run(command(`read line < ${gate.path}`)).catch(() => {});
  const other = await shim.connect();
  await other.settle('b');
  let settled = false;
  const wait = other.settle('a').then(() => {
    settled = true;
  });
  // An answer to a later request: the one before it has been looked at, and waits.
  await other.settle('b');
  expect(settled).toBe(false);
  gate.open();
  await wait;
});

test('nothing stays open of a program that has been run', async () => {
  await shim.client.run(command('true'));
  const open = () => readdirSync(`/proc/${shim.client.pid}/fd`).length;
  const before = open();
  for (let n = 0; n < 20; n += 1) {
    await shim.client.run(command('true'));
  }
  await expect.poll(open).toBeLessThanOrEqual(before);
});
