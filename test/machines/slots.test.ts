import { describe, expect, it } from 'vitest';
import { create, pause, update } from './fixtures/requests.ts';
import { errorOf, PlayedSystem, stopTheClock } from './fixtures/system.ts';

stopTheClock();

/** The containers that are being started. */
const starting = ({ effects }: PlayedSystem) =>
  effects.open.filter(({ effect }) => effect === 'launch').map(({ input }) => (input as { id: string }).id);

describe('the slots for starts', () => {
  it('are given in the order in which containers were asked for, and no more than there are', async () => {
    const played = await PlayedSystem.start({ concurrency: 2 });
    for (const id of ['a', 'b', 'c', 'd']) await played.ask(create({ id }));
    expect(starting(played)).toEqual(['a', 'b']);
    await played.launched();
    expect(starting(played)).toEqual(['b', 'c']);
    await played.launched();
    expect(starting(played)).toEqual(['c', 'd']);
  });

  it('pass on once a start has failed, while what it left is removed', async () => {
    const played = await PlayedSystem.start({ concurrency: 1 });
    const first = await played.ask(create({ id: 'a' }));
    await played.ask(create({ id: 'b' }));
    await played.effects.fail('launch');
    expect(starting(played)).toEqual(['b']);
    expect(first.outcome).toBeUndefined();
    await played.effects.done('delete');
    expect(errorOf(first)).toBe('runtimeFailed');
  });

  it('pass on once a checkpoint has been restored', async () => {
    const played = await PlayedSystem.start({ concurrency: 1 });
    await played.ask(create({ id: 'a', checkpoint: 'one' }));
    await played.ask(create({ id: 'b' }));
    expect(played.effects.open).toMatchObject([
      { input: { launch: { kind: 'restore', checkpoint: 'one' } } },
    ]);
    await played.launched();
    expect(starting(played)).toEqual(['b']);
  });

  it('are not given to a container whose client has gone away while it waited', async () => {
    const played = await PlayedSystem.start({ concurrency: 1 });
    const [a, b, c] = [create({ id: 'a' }), create({ id: 'b' }), create({ id: 'c' })];
    await played.ask(a);
    const cancelled = await played.ask(b);
    await played.ask(c);
    await played.cancel(b);
    expect(errorOf(cancelled)).toBe('cancelled');
    await played.launched();
    expect(starting(played)).toEqual(['c']);
    await played.launched();
    expect(played.system.list().map(({ id }) => id)).toEqual(['a', 'c']);
  });

  it('are held by starts that a former daemon asked for', async () => {
    const adopted = create({ id: 'a', requestId: '' });
    const process = { process: 'init', requestId: '', spec: adopted.spec, pid: 0, startTime: '' };
    const played = await PlayedSystem.start({
      concurrency: 1,
      restored: {
        adopted: [{ create: adopted, status: 'launching', processes: [process], execs: 0, oomKills: 0 }],
        untold: [],
      },
    });
    await played.ask(create({ id: 'b' }));
    expect(starting(played)).toEqual(['a']);
    await played.launched();
    expect(starting(played)).toEqual(['b']);
  });

  it('are free again once the actor of a container that was being started has failed', async () => {
    const played = await PlayedSystem.start({ concurrency: 1 });
    const [a, b] = [create({ id: 'a' }), create({ id: 'b' })];
    const failed = await played.ask(a);
    await played.ask(b);
    played.breakAtNext('start');
    await played.launched();
    expect(errorOf(failed)).toBe('internal');
    expect(played.reports).toEqual(['the actor of container a failed']);
    expect(starting(played)).toEqual(['b']);
  });
});

describe('a container whose actor fails', () => {
  it('is gone alone: what was asked of it is answered, its id is free, the others go on', async () => {
    const played = await PlayedSystem.running();
    await played.ask(create({ id: 'd' }));
    await played.launched();
    const asked = await played.ask(pause());
    const waiting = await played.ask(update());
    const other = await played.ask(pause({ id: 'd' }));
    played.breakAtNext('pause');
    await played.effects.done('pause');
    expect(errorOf(asked)).toBe('internal');
    expect(errorOf(waiting)).toBe('internal');
    await played.effects.done('pause');
    expect(other.outcome).toEqual({ ok: true, pid: 0 });
    const again = await played.ask(create());
    await played.launched();
    expect(again.outcome).toEqual({ ok: true, pid: 102 });
  });

  it('ends its daemon’s wait for it', async () => {
    const played = await PlayedSystem.running();
    await played.ask(pause());
    await played.stop();
    played.breakAtNext('pause');
    await played.effects.done('pause');
    expect(played.stopped).toBe(true);
  });
});
