import { describe, expect, it } from 'vitest';
import { checkpoint, deleteCheckpoint, pause, resize, signal } from './fixtures/requests.ts';
import { errorOf, PlayedSystem, stopTheClock } from './fixtures/system.ts';

stopTheClock();

describe('what is asked of an init that has ended, while its container is busy still', () => {
  it('a signal finds no process', async () => {
    const played = await PlayedSystem.running();
    await played.ask(checkpoint());
    await played.exited();
    for (const request of [signal(), signal({ pid: 100 }), signal({ signal: 9 }), resize()]) {
      expect(errorOf(await played.ask(request))).toBe('processNotFound');
    }
  });

  it('the signal of an update that pauses finds no process', async () => {
    const played = await PlayedSystem.running();
    const asked = await played.ask(pause({ signal: 15 }));
    await played.exited();
    await played.effects.done('pause');
    expect(errorOf(asked)).toBe('processNotFound');
    await played.effects.done('delete');
    expect(played.told()).toEqual(['start', 'pause', 'exit']);
  });

  it('the KILL of an update that pauses finds no process', async () => {
    const played = await PlayedSystem.running();
    const asked = await played.ask(pause({ signal: 9 }));
    await played.exited();
    await played.effects.done('pause');
    expect(errorOf(asked)).toBe('processNotFound');
    expect(played.underWay()).toEqual(['delete']);
  });

  it('the daemon that ends does not signal it', async () => {
    const played = await PlayedSystem.running();
    await played.ask(deleteCheckpoint());
    await played.exited();
    await played.stop();
    expect(played.underWay()).toEqual(['deleteCheckpoint']);
    await played.effects.done('deleteCheckpoint');
    await played.effects.done('delete');
    expect(played.stopped).toBe(true);
    expect(played.reports).toEqual([]);
  });

  it('its exit, told again by the shim, changes nothing', async () => {
    const played = await PlayedSystem.running();
    await played.ask(checkpoint());
    await played.exited();
    await played.exited();
    await played.effects.done('checkpoint');
    await played.effects.done('delete');
    expect(played.told()).toEqual(['start', 'checkpoint', 'exit']);
    expect(played.strays).toEqual([]);
    expect(played.reports).toEqual([]);
  });
});
