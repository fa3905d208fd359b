import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCheckpoint } from '../../src/actors/checkpoint.ts';
import { stateDirAt } from '../../src/actors/state-dir.ts';
import { ContainerdError } from '../../src/errors.ts';
import { processStat } from '../../src/linux/process-stat.ts';
import { RuncTrouble, type RunRunc } from '../../src/runc/runc.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'checkpoint-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Makes a checkpoint of a container that runs (which is this process, by what runc has written of it). */
async function make(run: RunRunc, { init = process.pid, deathTimeoutMs = 60_000 } = {}) {
  const stateDir = stateDirAt(path.join(folder, 'state'));
  const bundlePath = path.join(folder, 'bundle');
  await mkdir(path.join(stateDir.runc, 'box'), { recursive: true });
  const state = {
    init_process_pid: init,
    init_process_start: Number(processStat(init)?.startTime),
  };
  await writeFile(path.join(stateDir.runc, 'box/state.json'), JSON.stringify(state));
  await mkdir(bundlePath);
  await writeFile(path.join(bundlePath, 'config.json'), JSON.stringify({ process: { args: ['sh'] } }));
  const runc = { command: 'runc', root: stateDir.runc, run, timeoutMs: 1_000 };
  const checkpoint = { name: 'one', exit: true, tcp: true, unixSockets: false, shell: false };
  const write = createCheckpoint({ runc, stateDir, criu: '/criu', timeoutMs: 1234, deathTimeoutMs });
  const made = write({ id: 'box', bundlePath, checkpoint });
  return { made, left: () => readdir(path.join(bundlePath, 'checkpoints')) };
}

/** Writes what CRIU writes, and ends the container, as far as runc's own state tells. */
async function dump({ argv }: Parameters<RunRunc>[0], init: 'ends' | 'runs on' = 'ends'): Promise<void> {
  await writeFile(path.join(argv[argv.indexOf('--image-path') + 1] ?? '', 'inventory.img'), '');
  if (init === 'runs on') return;
  const state = { init_process_pid: process.pid, init_process_start: 1 };
  await writeFile(path.join(folder, 'state/runc/box/state.json'), JSON.stringify(state));
}

describe('a checkpoint', () => {
  it('is asked of runc with its flags, a deadline and a log that is not among the images', async () => {
    const asked: Parameters<RunRunc>[0][] = [];
    const { made, left } = await make(async (command) => {
      asked.push(command);
      await dump(command);
      return { exitStatus: 0, output: '' };
    });
    await made;
    expect(asked).toMatchObject([{ container: 'box', timeoutMs: 1234 }]);
    const argv = asked[0]?.argv ?? [];
    expect(argv.slice(argv.indexOf('checkpoint'))).toEqual([
      'checkpoint',
      '--image-path',
      expect.stringContaining('/bundle/checkpoints/one~'),
      '--work-path',
      path.join(folder, 'state/containers/box/criu'),
      '--tcp-established',
      '--',
      'box',
    ]);
    expect(await left()).toEqual(['one']);
  });

  it('that takes too long is an error of its own, and leaves nothing', async () => {
    const { made, left } = await make(async () => {
      throw new RuncTrouble('runc was killed', { timedOut: true });
    });
    await expect(made).rejects.toMatchObject({
      failure: { status: 'DEADLINE_EXCEEDED', message: 'containerd: runtime took too long: checkpoint' },
    });
    expect(await left()).toEqual([]);
  });

  it('that is none, though runc ends with 0, is an error, and leaves nothing', async () => {
    const { made, left } = await make(async () => ({ exitStatus: 0, output: '' }));
    await expect(made).rejects.toThrow(
      'containerd: runc checkpoint ended with status 0 and has written none',
    );
    expect(await left()).toEqual([]);
  });

  it('that was to end the container and has not is an error, and leaves nothing', async () => {
    const { made, left } = await make(
      async (command) => {
        await dump(command, 'runs on');
        return { exitStatus: 0, output: '' };
      },
      { deathTimeoutMs: 1 },
    );
    await expect(made).rejects.toThrow(
      'containerd: runc checkpoint ended with status 0 and the container runs on',
    );
    expect(await left()).toEqual([]);
  });

  it('that has killed the container is made, though it takes a while to die', async () => {
    const init = spawn('sleep', ['1000']);
    const { made, left } = await make(
      async (command) => {
        await dump(command, 'runs on');
        setTimeout(() => init.kill('SIGKILL'), 50);
        return { exitStatus: 0, output: '' };
      },
      { init: init.pid ?? 0 },
    );
    await made;
    expect(await left()).toEqual(['one']);
  });

  it('whose shim is lost says so, and leaves nothing', async () => {
    const { made, left } = await make(async () => {
      throw new RuncTrouble('the shim is gone', { timedOut: false });
    });
    await expect(made).rejects.toThrow('containerd: the shim is gone');
    expect(await left()).toEqual([]);
  });

  it('that CRIU came to the end of, though its shim was lost, is made', async () => {
    const log = path.join(folder, 'state/containers/box/criu/dump.log');
    const { made, left } = await make(async () => {
      await writeFile(log, '(0.1) Info\n(0.2) Dumping finished successfully\n');
      throw new ContainerdError('shimLost', 'it is gone');
    });
    await made;
    expect(await left()).toEqual(['one']);
  });

  it('that CRIU did not come to the end of, and whose shim was lost, says so and leaves nothing', async () => {
    const { made, left } = await make(async () => {
      throw new ContainerdError('shimLost', '', { cause: new Error('it is gone') });
    });
    await expect(made).rejects.toThrow('containerd: the shim was lost: it is gone');
    expect(await left()).toEqual([]);
  });

  it('that runc fails at has runc’s last words, and the errors of CRIU’s log', async () => {
    const log = path.join(folder, 'state/containers/box/criu/dump.log');
    const { made, left } = await make(async () => {
      await writeFile(
        log,
        '(0.1) Info\n(0.2) Error (criu/a.c:1): no\n(0.3) Error (criu/b.c:2): Dumping FAILED.\n',
      );
      return {
        exitStatus: 1,
        output: `${JSON.stringify({ level: 'error', msg: `criu failed: errno 0\nlog file: ${log}` })}\n`,
      };
    });
    await expect(made).rejects.toThrow(
      'containerd: criu failed: errno 0\n(0.2) Error (criu/a.c:1): no\n(0.3) Error (criu/b.c:2): Dumping FAILED.',
    );
    expect(await left()).toEqual([]);
  });
});
