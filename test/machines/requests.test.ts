import { describe, expect, it } from 'vitest';
import {
  checkpoint,
  deleteCheckpoint,
  exec,
  pause,
  resize,
  resume,
  signal,
  update,
} from './fixtures/requests.ts';
import { errorOf, PlayedSystem, stopTheClock } from './fixtures/system.ts';

stopTheClock();

const succeeded = { ok: true, pid: 0 };

/** A system with one container that is paused. */
async function paused(): Promise<PlayedSystem> {
  const played = await PlayedSystem.running();
  await played.ask(pause());
  await played.effects.done('pause');
  return played;
}

describe('requests for one container', () => {
  it('are carried out one at a time, in the order in which they came', async () => {
    const played = await PlayedSystem.running();
    const asked = [];
    for (const request of [checkpoint(), pause(), resume(), deleteCheckpoint(), exec()]) {
      asked.push(await played.ask(request));
    }
    for (const effect of ['checkpoint', 'pause', 'resume', 'deleteCheckpoint']) {
      expect(played.underWay()).toEqual([effect]);
      await played.effects.done(effect);
    }
    await played.launched('exec-1');
    expect(asked.map(({ outcome }) => outcome)).toEqual([
      succeeded,
      succeeded,
      succeeded,
      succeeded,
      { ok: true, pid: 101 },
    ]);
    expect(played.told()).toEqual(['start', 'checkpoint', 'pause', 'resume', 'exec exec-1']);
  });

  it('are not overtaken by what came after an update that only signals', async () => {
    const played = await PlayedSystem.running();
    await played.ask(checkpoint());
    await played.ask(update({ signal: 10 }));
    await played.ask(pause());
    await played.effects.done('checkpoint');
    expect(played.underWay()).toEqual(['signal init', 'pause']);
  });

  it('are not held up by a signal or a change of a terminal', async () => {
    const played = await PlayedSystem.running();
    await played.ask(checkpoint());
    const [signalled, resized] = [await played.ask(signal()), await played.ask(resize())];
    await played.effects.done('update');
    expect(resized.outcome).toEqual(succeeded);
    await played.effects.done('signal');
    expect(signalled.outcome).toEqual(succeeded);
    expect(played.underWay()).toEqual(['checkpoint']);
  });

  it('are refused while 1,024 others wait, whatever they are', async () => {
    const played = await PlayedSystem.running();
    await played.ask(pause());
    const waiting = Array.from({ length: 1_024 }, () => update());
    const asked = await Promise.all(waiting.map((request) => played.ask(request)));
    for (const request of [exec(), pause(), checkpoint(), deleteCheckpoint(), signal({ signal: 9 })]) {
      expect(await played.ask(request)).toMatchObject({
        outcome: {
          ok: false,
          failure: {
            status: 'RESOURCE_EXHAUSTED',
            message: 'containerd: too many requests wait for container c',
          },
        },
      });
    }
    const alive = await played.ask(signal({ signal: 0 }));
    await played.effects.done('signal');
    expect(alive.outcome).toEqual(succeeded);
    await played.effects.done('pause');
    expect(asked.every(({ outcome }) => outcome?.ok)).toBe(true);
  });

  it('are told CANCELLED where their client has gone away while they waited, and are not carried out', async () => {
    const played = await PlayedSystem.running();
    await played.ask(checkpoint());
    const request = pause();
    const asked = await played.ask(request);
    await played.cancel(request);
    expect(errorOf(asked)).toBe('cancelled');
    await played.effects.done('checkpoint');
    expect(played.underWay()).toEqual([]);
    expect(played.status()).toBe('running');
  });

  it('are carried out where their client has gone away too late', async () => {
    const played = await PlayedSystem.running();
    const request = pause();
    const asked = await played.ask(request);
    await played.cancel(request);
    await played.effects.done('pause');
    expect(asked.outcome).toEqual(succeeded);
    expect(played.status()).toBe('paused');
  });
});

describe('an operation that fails', () => {
  it.each([
    ['pause', pause()],
    ['checkpoint', checkpoint({ exit: true })],
    ['deleteCheckpoint', deleteCheckpoint()],
  ])('says why, and leaves the container running: %s', async (effect, request) => {
    const played = await PlayedSystem.running();
    const asked = await played.ask(request);
    const next = await played.ask(exec());
    await played.effects.fail(effect);
    expect(errorOf(asked)).toBe('runtimeFailed');
    await played.launched('exec-1');
    expect(next.outcome).toEqual({ ok: true, pid: 101 });
    expect(played.told()).toEqual(['start', 'exec exec-1']);
  });

  it.each([
    ['resume', resume({ signal: 15 })],
    ['checkpoint', checkpoint({ exit: true })],
    ['deleteCheckpoint', deleteCheckpoint()],
    ['killFrozen', signal({ signal: 9 })],
  ])('says why, and leaves the container paused: %s', async (effect, request) => {
    const played = await paused();
    const asked = await played.ask(request);
    await played.effects.fail(effect);
    expect(errorOf(asked)).toBe('runtimeFailed');
    expect(played.status()).toBe('paused');
    expect(played.underWay()).toEqual([]);
  });

  it('once init has ended says why, and the container ends', async () => {
    const played = await PlayedSystem.running();
    const [asked, waiting] = [await played.ask(pause()), await played.ask(exec())];
    await played.exited();
    expect(played.told()).toEqual(['start']);
    await played.effects.fail('pause');
    expect(errorOf(asked)).toBe('runtimeFailed');
    expect(errorOf(waiting)).toBe('containerExited');
    await played.effects.done('delete');
    expect(played.told()).toEqual(['start', 'exit']);
  });
});

describe('an update', () => {
  it('with a status and a signal sets the status first, and is answered once, by its signal', async () => {
    const played = await PlayedSystem.running();
    const asked = await played.ask(pause({ signal: 10 }));
    expect(played.underWay()).toEqual(['pause']);
    await played.effects.done('pause');
    expect(played.underWay()).toEqual(['signal init']);
    expect(asked.outcome).toBeUndefined();
    await played.effects.done('signal');
    expect(asked.outcome).toEqual(succeeded);
    const resumed = await played.ask(resume({ signal: 10 }));
    await played.effects.done('resume');
    await played.effects.fail('signal');
    expect(errorOf(resumed)).toBe('runtimeFailed');
    expect(played.status()).toBe('running');
  });

  it('with a status that the container has signals it at once', async () => {
    const played = await paused();
    const asked = await played.ask(pause({ signal: 10 }));
    await played.effects.done('signal');
    expect(asked.outcome).toEqual(succeeded);
  });

  it('whose status cannot be set sends no signal', async () => {
    const played = await PlayedSystem.running();
    const asked = await played.ask(pause({ signal: 10 }));
    await played.effects.fail('pause');
    expect(errorOf(asked)).toBe('runtimeFailed');
    expect(played.underWay()).toEqual([]);
  });

  it('that pauses and kills does both', async () => {
    const played = await PlayedSystem.running();
    const asked = await played.ask(pause({ signal: 9 }));
    await played.effects.done('pause');
    expect(played.underWay()).toEqual(['killFrozen']);
    await played.effects.done('killFrozen');
    expect(asked.outcome).toEqual(succeeded);
  });
});

describe('KILL', () => {
  it.each([
    ['a signal', signal({ signal: 9 })],
    ['a signal to its pid', signal({ pid: 100, signal: 9 })],
    ['an update', update({ signal: 9 })],
    ['an update to what it is', pause({ signal: 9 })],
  ])('thaws a paused container to die of it: by %s', async (_, request) => {
    const played = await paused();
    const asked = await played.ask(request);
    expect(played.underWay()).toEqual(['killFrozen']);
    await played.effects.done('killFrozen');
    expect(asked.outcome).toEqual(succeeded);
  });

  it('has done what it should where init was dead before it could be thawed', async () => {
    const played = await paused();
    const asked = await played.ask(signal({ signal: 9 }));
    await played.exited({ status: 137 });
    await played.effects.fail('killFrozen');
    expect(asked.outcome).toEqual(succeeded);
    expect(played.underWay()).toEqual(['delete']);
  });

  it('waits for a pause that is under way, which it would not end', async () => {
    const played = await PlayedSystem.running();
    await played.ask(pause());
    await played.ask(signal({ signal: 9 }));
    expect(played.underWay()).toEqual(['pause']);
    await played.effects.done('pause');
    expect(played.underWay()).toEqual(['killFrozen']);
  });

  it('does not wait for a checkpoint of a running container', async () => {
    const played = await PlayedSystem.running();
    await played.ask(checkpoint());
    await played.ask(signal({ signal: 9 }));
    expect(played.underWay()).toEqual(['checkpoint', 'signal init']);
  });
});

describe('the exit of init', () => {
  it('refuses what waits, with nothing of it begun', async () => {
    const played = await PlayedSystem.running();
    await played.ask(deleteCheckpoint());
    const waiting = [];
    for (const request of [
      exec(),
      pause(),
      resume({ signal: 9 }),
      update(),
      checkpoint(),
      deleteCheckpoint(),
    ]) {
      waiting.push(await played.ask(request));
    }
    await played.exited();
    await played.effects.done('deleteCheckpoint');
    expect(waiting.map(errorOf)).toEqual(Array.from({ length: 6 }, () => 'containerExited'));
    expect(played.underWay()).toEqual(['delete']);
  });

  it('takes the id with it only when runc has let go of it', async () => {
    const played = await PlayedSystem.running();
    await played.exited();
    expect(played.status()).toBeUndefined();
    expect(errorOf(await played.ask(exec()))).toBe('containerExited');
    await played.effects.done('delete');
    expect(played.notices.at(-1)).toEqual({
      type: 'exit',
      id: 'c',
      process: 'init',
      pid: 100,
      status: 7,
      unixNs: '1000',
    });
    expect(errorOf(await played.ask(exec()))).toBe('containerNotFound');
  });

  it('is told though the container could not be deleted', async () => {
    const played = await PlayedSystem.running();
    await played.exited();
    await played.effects.fail('delete');
    expect(played.told()).toEqual(['start', 'exit']);
    expect(played.reports).toEqual(['an ended container could not be deleted']);
  });

  it('ends a container whose checkpoint has been written', async () => {
    const played = await PlayedSystem.running();
    const [asked, waiting] = [await played.ask(checkpoint({ exit: true })), await played.ask(exec())];
    await played.effects.done('checkpoint');
    expect(asked.outcome).toEqual(succeeded);
    expect(waiting).toMatchObject({
      outcome: { failure: { message: 'containerd: container is checkpointed' } },
    });
    await played.exited({ status: 137 });
    await played.effects.done('delete');
    expect(played.notices.at(-1)).toMatchObject({ type: 'exit', status: 137 });
  });
});

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
