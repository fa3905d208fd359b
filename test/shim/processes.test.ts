import { readFileSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { unixNanoseconds } from '../../src/linux/clock.ts';
import { processStat } from '../../src/linux/process-stat.ts';
import { buildShim, ShimUnderTest } from './shim-under-test.ts';

const built = await buildShim();
afterAll(() => built.remove());

let shim: ShimUnderTest;
beforeEach(async () => {
  shim = new ShimUnderTest(built.program);
  await shim.connect();
});
afterEach(() => shim.end());

/** A script that goes on until the test writes something, or says that it has come so far. */
const UNTIL_KILLED = 'exec sleep 600';
const keyOf = (container: string) => ({ container, process: 'init' });

test('a start gives the pid of the process that the runtime leaves behind, which is a child of the shim', async () => {
  const { pid, startTime } = await shim.client.start(shim.request('a', UNTIL_KILLED));
  expect(pid).toBe(Number(readFileSync(shim.path('a.pid'), 'utf8')));
  expect(processStat(pid)).toMatchObject({ startTime, parentPid: shim.client.pid });
});

test('an exit has the status of the process and the time of its end', async () => {
  const before = unixNanoseconds();
  const { status, timestamp, process } = await shim.run(shim.request('a', 'exit 37'));
  expect(status).toBe(37);
  expect(timestamp).toBeGreaterThan(before);
  expect(timestamp).toBeLessThan(unixNanoseconds());
  expect(process.pid).toBe(Number(readFileSync(shim.path('a.pid'), 'utf8')));
});

test('a signalled process exits with 128 and the signal', async () => {
  await shim.client.start(shim.request('a', UNTIL_KILLED));
  await shim.client.kill(keyOf('a'), 0);
  await shim.client.kill(keyOf('a'), 15);
  expect((await shim.exit(keyOf('a'))).status).toBe(128 + 15);
});

test('a process that ends before its runtime does is answered with its pid, and then with its exit', async () => {
  // The runtime goes on until there is not even a zombie left of the process: until the shim has reaped it.
  const orphan =
    '(sh -c \'echo $$ > "$0"; exit 5\' "$0" &); until [ -s "$0" ]; do :; done; read pid < "$0"; while [ -e /proc/$pid ]; do :; done';
  const request = shim.request('a', '');
  const { pid, startTime } = await shim.client.start({
    ...request,
    argv: ['sh', '-c', orphan, request.pidFile],
  });
  expect(pid).toBe(Number(readFileSync(request.pidFile, 'utf8')));
  expect(startTime).toBeGreaterThan(0n);
  expect(await shim.exit(request.key)).toMatchObject({ status: 5, process: { pid, startTime } });
});

test('a process whose parent outlives the runtime is waited for until it is the shim’s', async () => {
  // The parent goes on until the test has seen that the runtime is gone; `&` alone would make the process the shim’s at once.
  const request = shim.request('a', '');
  const parent = 'sleep 600 & echo $! > "$0"; read line < "$1"';
  const gate = shim.path('gate');
  await execa('mkfifo', [gate]);
  const started = shim.client.start({
    ...request,
    argv: [
      'sh',
      '-c',
      `(sh -c '${parent}' "$0" "$1" & echo $! > "$1.parent"); until [ -s "$0" ]; do :; done`,
      request.pidFile,
      gate,
    ],
  });
  await expect.poll(() => readFileSync(`${gate}.parent`, { encoding: 'utf8', flag: 'a+' })).not.toBe('');
  const parentPid = Number(readFileSync(`${gate}.parent`, 'utf8'));
  // From when the runtime has ended, the parent is a child of the shim, and the process is its grandchild.
  await expect.poll(() => processStat(parentPid)?.parentPid).toBe(shim.client.pid);
  writeFileSync(gate, 'go on\n');
  const { pid } = await started;
  expect(processStat(pid)).toMatchObject({ parentPid: shim.client.pid });
});

test('a runtime that fails is told with its status and the end of its words, and leaves nothing', async () => {
  const request = shim.request('a', '', { stderr: shim.path('err') });
  writeFileSync(shim.path('err'), '');
  const words = `i=0; while [ $i -lt 2000 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 4`;
  const failed = shim.client.start({ ...request, argv: ['sh', '-c', words] });
  await expect(failed).rejects.toMatchObject({
    name: 'ShimError',
    reason: 'runtime',
    exitStatus: 4,
    output: expect.stringMatching(/line 1998\nline 1999\n$/),
  });
  await failed.catch(({ output }) => expect(output.length).toBe(4096));
  expect(readFileSync(shim.path('err'), 'utf8')).toBe('');
  await expect(shim.client.kill(request.key, 0)).rejects.toMatchObject({ reason: 'noProcess' });
  // Its key is free again.
  expect((await shim.run(shim.request('a', 'exit 0'))).status).toBe(0);
});

test('a runtime that succeeds without a pid, or with the pid of a stranger, has failed', async () => {
  const request = shim.request('a', '');
  const start = (script: string) =>
    shim.client.start({ ...request, argv: ['sh', '-c', script, request.pidFile] });
  await expect(start('true')).rejects.toMatchObject({
    reason: 'runtime',
    message: expect.stringContaining('no such file'),
  });
  await expect(start('echo x > "$0"')).rejects.toMatchObject({ reason: 'runtime' });
  await expect(start('echo 1 > "$0"')).rejects.toMatchObject({ reason: 'runtime' });
});

test('a runtime that leaves the pid of another container’s process has failed, and does the other no harm', async () => {
  const { pid } = await shim.client.start(shim.request('other', UNTIL_KILLED));
  const request = shim.request('a', '');
  const argv = ['sh', '-c', `echo ${pid} > "$0"`, request.pidFile];
  await expect(shim.client.start({ ...request, argv })).rejects.toMatchObject({
    reason: 'runtime',
    message: `the runtime has left process ${pid}, which it did not start`,
  });
  await shim.client.kill(keyOf('other'), 15);
  expect((await shim.exit(keyOf('other'))).status).toBe(128 + 15);
});

test('a runtime that leaves the pid of what another container’s process has started has failed, and does that no harm', async () => {
  const file = shim.path('child');
  await shim.client.start(shim.request('other', `sleep 600 & echo $! > ${file}; wait`));
  const child = () => Number(readFileSync(file, { encoding: 'utf8', flag: 'a+' }));
  await expect.poll(child).toBeGreaterThan(0);
  const request = shim.request('a', '');
  const argv = ['sh', '-c', `echo ${child()} > "$0"`, request.pidFile];
  await expect(shim.client.start({ ...request, argv })).rejects.toMatchObject({
    reason: 'runtime',
    message: `the runtime has left process ${child()}, which is no child of the shim`,
  });
  await shim.client.kill(keyOf('other'), 15);
  expect((await shim.exit(keyOf('other'))).status).toBe(128 + 15);
});

test('a runtime that leaves the pid of an orphan that was there before has failed', async () => {
  const orphan = `(sh -c 'echo $$ > "$0.orphan"; exec sleep 600' &); exec sleep 600`;
  const first = shim.request('other', '');
  const [runtime = ''] = first.argv;
  await shim.client.start({
    ...first,
    argv: [runtime, first.pidFile, orphan.replaceAll('$0', first.pidFile)],
  });
  await shim.run(shim.request('b', `until [ -s ${first.pidFile}.orphan ]; do :; done; sleep 0.02`));
  const pid = Number(readFileSync(`${first.pidFile}.orphan`, 'utf8'));
  const request = shim.request('a', '');
  const argv = ['sh', '-c', `echo ${pid} > "$0"`, request.pidFile];
  await expect(shim.client.start({ ...request, argv })).rejects.toMatchObject({ reason: 'runtime' });
  expect(processStat(pid)?.state).toMatch(/[RS]/);
  process.kill(pid, 'SIGKILL');
});

test('what a runtime that fails has left in its process group is killed', async () => {
  const request = shim.request('a', '');
  const argv = ['sh', '-c', 'sleep 600 & echo $! > "$0"; exit 1', request.pidFile];
  await expect(shim.client.start({ ...request, argv })).rejects.toMatchObject({ reason: 'runtime' });
  const pid = Number(readFileSync(request.pidFile, 'utf8'));
  await expect.poll(() => processStat(pid)).toBeUndefined();
});

test('a runtime that takes too long is killed with all of its group', async () => {
  const request = shim.request('a', '', { timeoutMs: 2_000 });
  const script = 'sleep 600 & echo $! > "$0"; wait';
  await expect(
    shim.client.start({ ...request, argv: ['sh', '-c', script, request.pidFile] }),
  ).rejects.toMatchObject({ reason: 'timeout', exitStatus: 128 + 9 });
  const pid = Number(readFileSync(request.pidFile, 'utf8'));
  await expect.poll(() => processStat(pid)).toBeUndefined();
});

test('a runtime that is not there is told in the kernel’s words', async () => {
  const request = shim.request('a', '');
  await expect(shim.client.start({ ...request, argv: ['/no/runc'] })).rejects.toMatchObject({
    reason: 'spawn',
    errno: 2,
    message: 'posix_spawn /no/runc: no such file or directory',
  });
});

test('a key is in use from the start until its exit has been acknowledged', async () => {
  const first = shim.client.start(shim.request('a', UNTIL_KILLED));
  await expect(shim.client.start(shim.request('a', UNTIL_KILLED))).rejects.toMatchObject({
    reason: 'exists',
  });
  await first;
  await expect(shim.client.ack(keyOf('a'))).rejects.toMatchObject({ reason: 'noProcess' });
  await shim.client.kill(keyOf('a'), 9);
  await shim.exit(keyOf('a'));
  await expect(shim.client.start(shim.request('a', UNTIL_KILLED))).rejects.toMatchObject({
    reason: 'exists',
  });
  await shim.client.ack(keyOf('a'));
  await shim.client.ack(keyOf('a'));
  expect((await shim.run(shim.request('a', 'exit 1'))).status).toBe(1);
});

test('a process that is not there or has exited cannot be signalled or changed', async () => {
  const gone = { name: 'ShimError', reason: 'noProcess', errno: 3 };
  await expect(shim.client.kill(keyOf('a'), 9)).rejects.toMatchObject(gone);
  await expect(shim.client.update(keyOf('a'), { closeStdin: true })).rejects.toMatchObject(gone);
  await expect(shim.client.awaitStart(keyOf('a'))).rejects.toMatchObject(gone);
  await shim.client.start(shim.request('a', 'exit 0'));
  await shim.exit(keyOf('a'));
  await expect(shim.client.kill(keyOf('a'), 9)).rejects.toMatchObject(gone);
  await expect(shim.client.update(keyOf('a'), { closeStdin: true })).rejects.toMatchObject(gone);
});

test('a signal that the kernel does not know is its refusal', async () => {
  await shim.client.start(shim.request('a', UNTIL_KILLED));
  await expect(shim.client.kill(keyOf('a'), 99)).rejects.toMatchObject({
    reason: 'kernel',
    errno: 22,
    message: 'kill: invalid argument',
  });
  await expect(shim.client.update(keyOf('a'), { width: 80, height: 24 })).rejects.toMatchObject({
    reason: 'kernel',
    errno: 25,
  });
});

test('an exec is another process of the same container', async () => {
  await shim.client.start(shim.request('a', UNTIL_KILLED));
  const key = { container: 'a', process: 'exec-1' };
  expect((await shim.run({ ...shim.request('a', 'exit 9'), key })).status).toBe(9);
  await shim.client.kill(keyOf('a'), 0);
});

test('orphans that belong to nobody are reaped', async () => {
  const script =
    '(sh -c \'echo $$ > "$0.orphan"\' "$0" &); until [ -s "$0.orphan" ]; do :; done; exec sleep 600';
  const request = shim.request('a', '');
  const [runtime = ''] = request.argv;
  await shim.client.start({
    ...request,
    argv: [runtime, request.pidFile, script.replaceAll('$0', request.pidFile)],
  });
  await shim.run(shim.request('b', `while [ ! -s ${request.pidFile}.orphan ]; do :; done`));
  const orphan = Number(readFileSync(`${request.pidFile}.orphan`, 'utf8'));
  await shim.run(shim.request('c', `while [ -e /proc/${orphan} ]; do :; done`));
});

test('fifty starts at once all succeed, and each exit is told once', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `c${index}`);
  await Promise.all(names.map((name, index) => shim.client.start(shim.request(name, `exit ${index}`))));
  for (const [index, name] of names.entries()) {
    expect((await shim.exit(keyOf(name))).status).toBe(index);
  }
  expect(shim.exits).toEqual([]);
});
