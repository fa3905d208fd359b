import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { processState, TestDaemon } from './fixtures/daemon.ts';
import { removeAll, restart } from './fixtures/restart.ts';

const KILL = 9;
const OLD_SHIM = fileURLToPath(new URL('../shim/fixtures/shim-v1.mjs', import.meta.url));

let bundles: Bundles;
let shim: ChildProcess;
let daemon: TestDaemon;
beforeAll(async () => {
  bundles = await makeBundles();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ctd-'));
  const stateDir = path.join(folder, 'state');
  await mkdir(stateDir, { mode: 0o711 });
  shim = spawn(process.execPath, [OLD_SHIM, '--state-dir', stateDir, '--ready-fd', '3'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    detached: true,
  });
  const ready = shim.stdio[3];
  if (!ready) throw new Error('the shim has no pipe');
  await once(ready, 'data');
  daemon = await TestDaemon.start({ folder, flags: ['--debug'] });
});
afterAll(async () => {
  const ended = once(shim, 'exit');
  await removeAll(daemon);
  await ended;
  await bundles.remove();
});

describe('a daemon that finds a shim of version 1', () => {
  it('keeps to that version', () => {
    const connected = daemon.log.find(({ msg }) => msg === 'shim connected');
    expect(connected).toMatchObject({ shimPid: shim.pid, version: 1 });
  });

  it('has containers live their whole life in it, over a restart of its own', async () => {
    const id = `old-${process.pid}`;
    const [stdout, bundle] = [path.join(daemon.folder, 'out'), await bundles.make('old')];
    await writeFile(stdout, '');
    const { pid } = await daemon.create(id, bundle);
    expect((await processState(pid))?.parent).toBe(shim.pid);
    const { pid: exec } = await daemon.exec(id, ['sh', '-c', 'echo said; exec sleep 1000'], { stdout });
    await expect.poll(() => readFile(stdout, 'utf8')).toBe('said\n');
    await daemon.update(id, { status: 'paused' });

    daemon = await restart(daemon);
    expect(await daemon.container(id)).toMatchObject({
      status: 'paused',
      processes: [{ pid }, { pid: exec }],
    });
    await daemon.update(id, { status: 'running' });
    const events = await daemon.events();
    await daemon.signal(id, KILL, exec);
    expect(await events.exit(id, exec)).toMatchObject({ status: 137 });
    await daemon.signal(id, KILL);
    expect(await events.exit(id, pid)).toMatchObject({ status: 137 });
    events.close();
    await daemon.create(id, bundle);
  });
});
