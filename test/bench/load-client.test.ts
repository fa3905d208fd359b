import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LoadClient } from '../../bench/load-client.ts';
import { create } from '../machines/fixtures/requests.ts';
import { PlayedSystem } from '../machines/fixtures/system.ts';
import { Served } from '../server/served.ts';

let played: PlayedSystem;
let served: Served;
let client: LoadClient;
beforeEach(async () => {
  played = await PlayedSystem.start();
  served = await Served.start(played.system);
  client = new LoadClient(served.socketPath);
});
afterEach(async () => {
  client.close();
  await served.end();
});

describe('the client that a load comes from', () => {
  it('has all of an answer that comes in many pieces', async () => {
    const ids = Array.from({ length: 300 }, (_, n) => `${'c'.repeat(200)}${n}`);
    for (const id of ids) {
      await played.ask(create({ id, bundlePath: '/b'.repeat(1000) }));
      await played.launched();
    }
    expect((await client.state()).containers.map(({ id }) => id)).toEqual(ids);
  });

  it('says why a call has failed', async () => {
    await expect(client.create('c', '')).rejects.toThrow('/types.API/CreateContainer: empty bundle path');
  });

  it('fails where nobody answers', async () => {
    // The first may be answered still.
    const failed = expect(client.state().then(() => client.state())).rejects.toThrow();
    await served.end();
    await failed;
    served = await Served.start(played.system);
  });
});
