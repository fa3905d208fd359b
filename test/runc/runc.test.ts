import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRunRunc } from '../../src/actors/run-runc.ts';
import { processStat } from '../../src/linux/process-stat.ts';
import { checkpoint, deleteContainer, pause, type Runc, RuncError, resume } from '../../src/runc/runc.ts';
import { within } from '../linux/deadline.ts';
import { buildShim, ShimUnderTest } from '../shim/shim-under-test.ts';
import { Scripts } from './scripts.ts';

const built = await buildShim();
const shim = new ShimUnderTest(built.program);
const scripts = new Scripts();
beforeAll(() => shim.connect());
afterAll(async () => {
  scripts.remove();
  await shim.end();
  built.remove();
});

const run = createRunRunc(
  () => shim.client,
  async () => {},
);
const program = (command: string, timeoutMs = 60_000): Runc => ({
  command,
  root: scripts.folder,
  run,
  timeoutMs,
});
const script = (text: string): Runc => program(scripts.write(text));

async function errorOf(promise: Promise<unknown>): Promise<RuncError> {
  const error = await promise.then(
    () => 'it succeeded',
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(RuncError);
  return error;
}

describe('a runc', () => {
  it('that ends with 0 has done what it was asked', async () => {
    for (const verb of [pause, resume, deleteContainer]) await verb(program('/bin/true'), 'box');
  });

  it('is given its verb’s arguments, and nothing to read', async () => {
    const runc = script('for it; do echo "[$it]"; done > $folder/argv; cat >> $folder/argv');
    await deleteContainer(runc, '-rf', true);
    const global = ['[--root]', `[${scripts.folder}]`, '[--log-format]', '[json]'];
    expect(scripts.read('argv').split('\n')).toEqual([
      ...global,
      '[delete]',
      '[--force]',
      '[--]',
      '[-rf]',
      '',
    ]);
  });

  it('is given nothing of the daemon’s environment but where programs are', async () => {
    await pause(script('/usr/bin/env > $folder/env'), 'box');
    const names = scripts
      .read('env')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('=')[0]);
    // The shell adds PWD and the like itself.
    expect(names.filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name ?? ''))).toEqual(['PATH']);
  });

  it('that fails in silence is said to have failed', async () => {
    const error = await errorOf(pause(program('/bin/false'), 'box'));
    expect(error).toMatchObject({ verb: 'pause', exitStatus: 1, timedOut: false, notFound: false });
    expect(error.message).toBe('runc pause ended with status 1');
  });

  it('that fails is quoted: its last error', async () => {
    const line = (level: string, msg: string) => `echo '${JSON.stringify({ level, msg })}' >&2`;
    const runc = script(
      `${line('error', 'first')}; ${line('error', 'no luck')}; ${line('warning', 'hm')}; exit 7`,
    );
    expect(await errorOf(resume(runc, 'box'))).toMatchObject({
      verb: 'resume',
      exitStatus: 7,
      message: 'no luck',
    });
  });

  it('that prints nonsense is quoted', async () => {
    const error = await errorOf(resume(script("printf 'panic: \\377 oh\\n'; exit 2"), 'box'));
    expect(error).toMatchObject({ exitStatus: 2, message: 'panic: \ufffd oh' });
  });

  it('that knows no such container is told from others', async () => {
    const error = await errorOf(deleteContainer(program('runc'), 'nobody'));
    expect(error).toMatchObject({ message: 'container does not exist', notFound: true });
  });

  it('that is missing or no program is said to be', async () => {
    const missing = await errorOf(pause(program('/nowhere/runc'), 'box'));
    expect(missing.message).toBe('posix_spawn /nowhere/runc: no such file or directory');
    expect(missing).toMatchObject({ exitStatus: undefined, timedOut: false });
    expect((await errorOf(pause(program('/etc/passwd'), 'box'))).message).toMatch(/permission denied/);
  });

  it('that a signal ends has failed', async () => {
    expect((await errorOf(pause(script('kill -9 $$'), 'box'))).exitStatus).toBe(128 + 9);
  });
});

describe('a runc that hangs', () => {
  const flags = {
    imagePath: '/images',
    workPath: '/work',
    tcp: false,
    unixSockets: false,
    shell: false,
    criu: '',
  };

  it.each([
    ['', 'exec sleep 1000'],
    [' though it ignores TERM', "trap '' TERM; while :; do sleep 1; done"],
    [' though it talks without end', 'exec yes'],
    [' and takes the CRIU that it waits for along', 'sleep 1000 & echo $! > $folder/pid; wait'],
  ])('is ended in its time%s', async (_, text) => {
    const options = { ...flags, id: 'box', leaveRunning: false };
    scripts.forget('pid');
    const attempt = errorOf(checkpoint(script(`echo $$ > $folder/pid; ${text}`), options, 2_000));
    expect(await within(18_000, 'its end', attempt)).toMatchObject({ verb: 'checkpoint', timedOut: true });
    const pid = Number(scripts.read('pid'));
    await expect.poll(() => processStat(pid)?.state ?? 'Z').toBe('Z');
  });
});
