import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { TestDaemon } from './fixtures/daemon.ts';

const KILL = 9;
const ID = `stop-${process.pid}`;
const ON_TERM = ['sh', '-c', 'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done'];

let bundles: Bundles;
beforeAll(async () => {
  bundles = await makeBundles();
});
afterAll(() => bundles.remove());

/** The exits in a daemon's journal, as `id status`. */
async function exitsOf(daemon: TestDaemon): Promise<string[]> {
  const journal = await readFile(path.join(daemon.stateDir, 'events.jsonl'), 'utf8');
  return journal
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { type: string; id: string; status: number })
    .filter(({ type }) => type === 'exit')
    .map(({ id, status }) => `${id} ${status}`);
}

describe('a daemon that gets SIGTERM', () => {
  it('sends it to its containers, paused ones too, and ends with 0 once they have ended', async () => {
    const daemon = await TestDaemon.start();
    const bundle = await bundles.make('on-term', { args: ON_TERM });
    for (const id of [`${ID}-a`, `${ID}-b`]) {
      const stdout = path.join(daemon.folder, id);
      await writeFile(stdout, '');
      await daemon.create(id, bundle, { stdout });
      // Before its trap is set, the signal would be lost on it.
      await expect.poll(() => readFile(stdout, 'utf8'), { timeout: 20_000 }).toBe('ready\n');
    }
    await daemon.update(`${ID}-b`, { status: 'paused' });
    expect(await daemon.stop()).toBe(0);
    expect((await exitsOf(daemon)).sort()).toEqual([`${ID}-a 5`, `${ID}-b 5`]);
    expect(await daemon.runcContainers()).toEqual([]);
    await daemon.remove();
  });

  it('kills those that do not heed it when it gets it again', async () => {
    const daemon = await TestDaemon.start();
    await daemon.create(ID, await bundles.make('deaf', { args: ['sleep', '1000'] }));
    daemon.client.close();
    daemon.child.kill('SIGTERM');
    await expect.poll(() => daemon.log.map(({ msg }) => msg)).toContain('told to end');
    daemon.child.kill('SIGTERM');
    expect(await once(daemon.child, 'exit')).toEqual([0, null]);
    expect(await exitsOf(daemon)).toEqual([`${ID} ${128 + KILL}`]);
    await daemon.remove();
  });
});
