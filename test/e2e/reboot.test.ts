import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { processStat } from '../../src/linux/process-stat.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { COUNTING, checkpoint, counted, flagged, listed } from './fixtures/checkpoint.ts';
import { processState, TestDaemon } from './fixtures/daemon.ts';
import { again, crash, journalOf, removeAll, toldOf } from './fixtures/restart.ts';
import { until } from './fixtures/until.ts';

const PATIENCE_MS = 30_000;

let bundles: Bundles;
let daemon: TestDaemon;
/** Who has the pids of init and exec now. */
let foreigners: ChildProcess[];
beforeAll(async () => {
  bundles = await makeBundles();
});
afterAll(() => bundles.remove());
beforeEach(async () => {
  daemon = await TestDaemon.start();
  foreigners = [1000, 1001].map((seconds) => spawn('sleep', [String(seconds)], { stdio: 'ignore' }));
  await Promise.all(foreigners.map((it) => once(it, 'spawn')));
});
afterEach(async () => {
  for (const it of foreigners) it.kill('SIGKILL');
  await removeAll(daemon);
});

const unique = (name: string) => `${name}-${process.pid}`;
const dead = (pid: number) =>
  until(async () => ['Z', undefined].includes((await processState(pid))?.letter), PATIENCE_MS);

/** A container with an exec and a checkpoint, of which all processes are dead, the daemon's and the shim included. */
async function allDead(id: string): Promise<{ bundle: string; pid: number; exec: number }> {
  const bundle = await bundles.make(id, { args: COUNTING });
  const stdout = path.join(daemon.folder, 'numbers');
  await writeFile(stdout, '');
  const { pid } = await daemon.create(id, bundle, { stdout });
  const { pid: exec } = await daemon.exec(id, ['sleep', '1001']);
  await counted(stdout, 2);
  await checkpoint(daemon, id, 'kept', {});
  await expect.poll(() => toldOf(daemon, id)).toEqual(['start', 'exec', 'checkpoint']);
  const shim = (await processState(pid))?.parent ?? 0;
  if (shim <= 1) throw new Error(`process ${pid} has no shim`);
  await crash(daemon);
  for (const victim of [shim, exec, pid]) {
    process.kill(victim, 'SIGKILL');
    await dead(victim);
  }
  return { bundle, pid, exec };
}

/** Has state dir and journal say that the foreigners are the container's init and exec, ticks included if need be. */
async function forge(id: string, was: { pid: number; exec: number }, sameTicks: boolean): Promise<void> {
  const [init = 0, exec = 0] = foreigners.map((it) => it.pid ?? 0);
  const tick = (pid: number) => processStat(pid)?.startTime ?? 0n;
  const rewrite = async (file: string, change: (text: string) => string) =>
    writeFile(
      path.join(daemon.stateDir, file),
      change(await readFile(path.join(daemon.stateDir, file), 'utf8')),
    );
  await rewrite(`runc/${id}/state.json`, (text) =>
    JSON.stringify({
      ...JSON.parse(text),
      init_process_pid: init,
      ...(sameTicks && { init_process_start: Number(tick(init)) }),
    }),
  );
  await rewrite(`containers/${id}/exec-1.started`, (text) =>
    JSON.stringify({
      ...JSON.parse(text),
      pid: exec,
      ...(sameTicks && { startTime: String(tick(exec)) }),
    }),
  );
  await rewrite('events.jsonl', (text) =>
    text.replaceAll(`"pid":${was.pid}`, `"pid":${init}`).replaceAll(`"pid":${was.exec}`, `"pid":${exec}`),
  );
}

async function expectSwept(id: string): Promise<void> {
  await until(
    async () => (await readdir(path.join(daemon.stateDir, 'containers'))).length === 0,
    PATIENCE_MS,
  );
  expect(await daemon.containers()).toEqual([]);
  expect(await daemon.runcContainers()).toEqual([]);
  const [init, exec] = foreigners.map((it) => it.pid);
  const exits = async () => (await journalOf(daemon)).filter((it) => it.type === 'exit');
  await expect.poll(exits).toMatchObject([
    { id, pid: exec, status: 255, unknown: true },
    { id, pid: init, status: 255, unknown: true },
  ]);
  for (const { pid } of foreigners) expect((await processState(pid ?? 0))?.letter).toBe('S');
  for (let n = 0; n < 2; n++) {
    await crash(daemon);
    daemon = await again(daemon);
  }
  expect((await toldOf(daemon, id)).slice(3)).toEqual(['exit 255', 'exit 255']);
}

describe('a state dir whose processes are all gone', () => {
  it('is swept though their pids are others’ by now, who are left alone', async () => {
    const id = unique('reused');
    const { bundle, ...was } = await allDead(id);
    await forge(id, was, false);
    daemon = await again(daemon);
    await expectSwept(id);
    await daemon.create(id, bundle);
    expect(await listed(daemon, id)).toEqual([flagged('kept')]);
  });

  it('is swept after a restart of the host, though others have the same pids since the same clock ticks', async () => {
    const id = unique('rebooted');
    const { bundle, ...was } = await allDead(id);
    await forge(id, was, true);
    await writeFile(path.join(daemon.stateDir, 'boot'), '00000000-0000-0000-0000-000000000000\n');
    daemon = await again(daemon);
    await expectSwept(id);
    await daemon.create(id, bundle);
    expect(await listed(daemon, id)).toEqual([flagged('kept')]);
  });
});
