import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { TestDaemon } from './fixtures/daemon.ts';

/** What containerd 0.0.4 lost, held up or got wrong, in its own words or its issues', and this one does not. */

const KILL = 9;

let bundles: Bundles;
beforeAll(async () => {
  bundles = await makeBundles();
});
afterAll(() => bundles.remove());

const unique = (name: string) => `${name}-${process.pid}`;

describe('a daemon that was killed and started again', () => {
  it('lists its containers from its first answer on', async () => {
    const before = await TestDaemon.start();
    const ids = Array.from({ length: 8 }, (_, n) => unique(`again-${n}`));
    const bundle = await bundles.make('again');
    await Promise.all(ids.map((id) => before.create(id, bundle)));
    before.client.close();
    before.child.kill('SIGKILL');
    await once(before.child, 'exit');

    const after = await TestDaemon.start({ folder: before.folder });
    try {
      expect((await after.containers()).map(({ id }) => id).toSorted()).toEqual(ids);
      const events = await after.events();
      await Promise.all(ids.map((id) => after.signal(id, KILL)));
      for (const id of ids) expect((await events.exit(id)).status).toBe(128 + KILL);
    } finally {
      await after.remove();
    }
  });
});
