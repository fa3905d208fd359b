import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { ShimError } from '../../src/shim/error.ts';
import { parseDescriptorLimit } from '../../src/shim/inheritance.ts';
import { buildShim, ShimUnderTest } from './shim-under-test.ts';

const built = await buildShim();
afterAll(() => built.remove());

let shim: ShimUnderTest;
afterEach(() => shim.end());

/** What a script prints that a shim with this environment starts. */
async function printed(
  script: string,
  env: Record<string, string> = {},
  program = built.program,
): Promise<string> {
  shim = new ShimUnderTest(program, env);
  await shim.connect();
  const stdout = shim.path('out');
  writeFileSync(stdout, '');
  await shim.run(shim.request('a', script, { stdout }));
  return readFileSync(stdout, 'utf8');
}

test('a process inherits three descriptors, no more, though the shim has many', async () => {
  expect((await printed('ls /proc/self/fd')).split('\n').filter(Boolean)).toEqual(['0', '1', '2', '3']);
});

test('a process has the umask 022, whatever the daemon’s', async () => {
  expect(await printed('umask', {}, ['/bin/sh', '-c', 'umask 077; exec "$@"', 'sh', ...built.program])).toBe(
    '0022\n',
  );
});

test('a process has the descriptor limit that the daemon was started with, not the one that Node gave itself', async () => {
  const limited = ['/bin/sh', '-c', 'ulimit -Sn 1500; ulimit -Hn 4000; exec "$@"', 'sh', ...built.program];
  const both = 'ulimit -Sn; ulimit -Hn';
  expect(await printed(both, { CONTAINERD_NOFILE: '1500:4000' }, limited)).toBe('1500\n4000\n');
  await shim.end();
  // Without a note there is only what Node made of it.
  expect(await printed(both, {}, limited)).toBe('4000\n4000\n');
});

test('a note of the limit is a number and what follows, or nothing', () => {
  expect(parseDescriptorLimit('1024:4096')).toBe(1024n);
  expect(parseDescriptorLimit('unlimited:unlimited')).toBeUndefined();
  expect(parseDescriptorLimit(undefined)).toBeUndefined();
  expect(parseDescriptorLimit('')).toBeUndefined();
});

test('a process is as likely to be killed for want of memory as any, however the daemon is treated', async () => {
  const script = 'echo 500 > /proc/self/oom_score_adj; exec "$@"';
  const score = await printed('cat /proc/self/oom_score_adj', {}, [
    '/bin/sh',
    '-c',
    script,
    'sh',
    ...built.program,
  ]);
  expect(score).toBe('0\n');
  expect(readFileSync(`/proc/${shim.client.pid}/oom_score_adj`, 'utf8')).toBe('500\n');
});

test('a runtime ignores and blocks no signal, though Node ignores SIGPIPE', async () => {
  shim = new ShimUnderTest(built.program);
  await shim.connect();
  writeFileSync(shim.path('err'), '');
  const request = shim.request('a', '', { stderr: shim.path('err') });
  const script = 'grep -E "Sig(Blk|Ign)" /proc/self/status >&2; exit 1';
  const { output } = await shim.client.start({ ...request, argv: ['sh', '-c', script] }).then(
    () => ({ output: 'no failure' }),
    (error: ShimError) => error,
  );
  expect(output).toBe('SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n');
});
