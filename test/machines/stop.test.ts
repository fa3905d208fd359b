import { describe, expect, it } from 'vitest';
import { create } from './fixtures/requests.ts';
import { PlayedSystem, pass, stopTheClock } from './fixtures/system.ts';

stopTheClock();

/** The signals on their way to an init. */
const signals = (played: PlayedSystem) =>
  played.effects.open.filter(({ effect }) => effect === 'signal').map(({ input }) => input);

describe('a daemon that is asked to end', () => {
  it('sends TERM to every init, and ends once all have ended', async () => {
    const played = await PlayedSystem.running();
    await played.ask(create({ id: 'd' }));
    await played.launched();
    await played.stop();
    expect(signals(played)).toEqual([
      { id: 'c', process: 'init', signal: 15 },
      { id: 'd', process: 'init', signal: 15 },
    ]);
    await played.effects.done('signal');
    await played.effects.done('signal');
    await played.exited();
    await played.exited({ id: 'd', pid: 101 });
    await played.effects.done('delete');
    expect(played.stopped).toBe(false);
    await played.effects.done('delete');
    expect(played.stopped).toBe(true);
    expect(played.told()).toEqual(['start', 'start', 'exit', 'exit']);
  });

  it('sends KILL to what is left after ten seconds', async () => {
    const played = await PlayedSystem.running();
    await played.stop();
    await pass(9_999);
    expect(signals(played)).toHaveLength(1);
    await pass(1);
    expect(signals(played)).toMatchObject([{ signal: 15 }, { signal: 9 }]);
  });
});
