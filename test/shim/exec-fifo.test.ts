import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFifo } from '../../src/linux/fifo.ts';
import { SCHED_OTHER, schedulingPolicy } from '../../src/linux/scheduling.ts';
import { kill } from '../../src/linux/signal.ts';
import type { ShimStart } from '../../src/shim/client.ts';
import { deleteContainer, makeBundle, runRequest } from './bundle.ts';
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

/** Whether runc, or what stands in for it, was asked to let the process go. */
const ranStart = (): boolean => existsSync(shim.path('ran-start'));

/** Whether a process has a file open. */
const isOpenBy = (pid: number, file: string): boolean =>
  readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === file;
    } catch {
      return false;
    }
  });

/** A start whose process, a script, waits at a FIFO of which `$fifo` is the path, as if runc had made it. */
function waiting(script: string, changes: Partial<ShimStart> = {}): ShimStart {
  const fifo = shim.path('exec.fifo');
  makeFifo(fifo, 0o600);
  writeFileSync(shim.path('state.json'), '{}');
  return shim.request(BOX, `fifo=${fifo}; ${script}`, {
    startFifo: fifo,
    startArgv: ['touch', shim.path('ran-start')],
    ...changes,
  });
}

describe('a process that waits at runc’s FIFO', () => {
  it('is let go by what reads from it, and without another runc', async () => {
    const request = waiting('printf 0 >$fifo; exit 7');
    expect((await shim.run(request)).status).toBe(7);
    expect(existsSync(request.startFifo)).toBe(false);
    expect(ranStart()).toBe(false);
  });

  it('is runc’s own', async () => {
    const stdout = shim.path('out');
    writeFileSync(stdout, '');
    const bundle = makeBundle(shim.path('bundle'), 'echo here; exit 9');
    const request = runRequest(shim, BOX, bundle, { stdout });
    const [command = '', ...flags] = request.argv;
    const argv = [command, ...flags.map((flag) => (flag === 'run' ? 'create' : flag))];
    const exit = await shim.run({
      ...request,
      argv: argv.filter((flag) => flag !== '--detach'),
      startFifo: shim.path(`runc/${BOX}/exec.fifo`),
      startArgv: ['touch', shim.path('ran-start')],
    });
    expect(exit.status).toBe(9);
    expect(readFileSync(stdout, 'utf8')).toBe('here\n');
    expect(ranStart()).toBe(false);
  });

  it('has started once it has become its program, by which the FIFO is closed', async () => {
    const [gate, open] = [shim.path('gate'), shim.path('open')];
    makeFifo(gate, 0o600);
    const script = `exec 3>$fifo; printf 0 >&3; touch ${open}; read line <${gate}; exec 3>&-; exec sleep 600`;
    const request = waiting(script);
    let hasStarted = false;
    const started = shim.client.start(request).then(() => {
      hasStarted = true;
    });
    await expect.poll(() => existsSync(open)).toBe(true);
    // Whatever the shim was told before this is answered before it.
    await shim.client.settle('other');
    expect(hasStarted).toBe(false);
    writeFileSync(gate, 'go on\n');
    await started;
    expect(existsSync(request.startFifo)).toBe(false);
  });

  it('has not started if it closes the FIFO and has not written', async () => {
    const started = shim.client.start(waiting('exec 3>$fifo; kill -9 $$'));
    await expect(started).rejects.toMatchObject({
      reason: 'runtime',
      message: expect.stringContaining('has ended before it was started'),
    });
  });

  it('has not started if it ends first', async () => {
    // Nothing of it comes to the FIFO.
    const request = waiting('kill -9 $$');
    await expect(shim.client.start(request)).rejects.toMatchObject({
      reason: 'runtime',
      message: expect.stringMatching(/process \d+ has ended before it was started/),
    });
    expect(ranStart()).toBe(false);
  });

  it('has not started if it ends while the shim waits', async () => {
    const request = waiting('exec sleep 600');
    const started = shim.client.start(request);
    const opened = () => existsSync(shim.path(`${BOX}.pid`)) && isOpenBy(shim.client.pid, request.startFifo);
    await expect.poll(opened).toBe(true);
    kill(Number(readFileSync(shim.path(`${BOX}.pid`), 'utf8')), 9);
    await expect(started).rejects.toMatchObject({
      reason: 'runtime',
      message: expect.stringContaining('before it was started'),
    });
  });

  it('has not started if it does not come', async () => {
    const timeoutMs = 2_000;
    await expect(shim.client.start(waiting('exec sleep 600', { timeoutMs }))).rejects.toMatchObject({
      reason: 'timeout',
      message: expect.stringMatching(/process \d+ did not start within 2000 ms/),
    });
  });
});

describe('a process that waits for its runtime’s own start', () => {
  it('has that where there is no such FIFO', async () => {
    const request = { ...waiting('exit 0'), startFifo: shim.path('nothing') };
    expect((await shim.run(request)).status).toBe(0);
    expect(ranStart()).toBe(true);
  });

  it('has that where what is there is not runc’s', async () => {
    const request = waiting('exit 0');
    writeFileSync(shim.path('other'), '');
    expect((await shim.run({ ...request, startFifo: shim.path('other') })).status).toBe(0);
    expect(ranStart()).toBe(true);
  });
});

describe('in a rush', () => {
  /** So many programs at work, each of which goes on until the shim is ended. */
  async function rush(): Promise<void> {
    const programs = Array.from({ length: 2 * availableParallelism() }, (_, n) => shim.path(`at-work-${n}`));
    for (const file of programs) {
      const argv = ['sh', '-c', `touch ${file}; exec sleep 600`];
      void shim.client.run({ container: 'other', argv, env: PATH, cwd: '/', timeoutMs: 0 }).catch(() => {});
    }
    await expect.poll(() => programs.every((file) => existsSync(file))).toBe(true);
  }
  const PATH = [`PATH=${process.env.PATH}`];

  /** A request whose runtime writes down the policy that it is run with. */
  const telling = (request: ShimStart): ShimStart => ({
    ...request,
    argv: ['sh', '-c', `chrt -p $$ >${shim.path('policy')}; exec "$@"`, 'sh', ...request.argv],
  });
  const told = (): string => /SCHED_\w+/.exec(readFileSync(shim.path('policy'), 'utf8'))?.[0] ?? '';

  it('a runtime waits for its turns, and what it leaves does not', async () => {
    await rush();
    const { pid } = await shim.client.start(telling(waiting('printf 0 >$fifo; exec sleep 600')));
    expect(told()).toBe('SCHED_BATCH');
    expect(schedulingPolicy(pid)).toBe(SCHED_OTHER);
  });

  it('what is let go by its runtime does not either', async () => {
    await rush();
    const request = { ...waiting('exec sleep 600'), startFifo: shim.path('nothing') };
    const { pid } = await shim.client.start(telling(request));
    expect(told()).toBe('SCHED_BATCH');
    expect(schedulingPolicy(pid)).toBe(SCHED_OTHER);
  });

  it('a runtime that may leave more than its process is run as ever', async () => {
    await rush();
    await shim.client.start(telling(shim.request(BOX, 'exec sleep 600')));
    expect(told()).toBe('SCHED_OTHER');
  });

  it('is none where one runtime is at work', async () => {
    await shim.client.start(telling(waiting('printf 0 >$fifo; exec sleep 600')));
    expect(told()).toBe('SCHED_OTHER');
  });
});
