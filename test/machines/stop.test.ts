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

describe('a daemon that is asked to end while it looks for what a former one has left', () => {
  it('ends what it finds', async () => {
    const adopted = create({ requestId: '' });
    const init = { process: 'init', requestId: '', spec: adopted.spec, pid: 100, startTime: '1' };
    const played = new PlayedSystem();
    await played.stop();
    await played.effects.done('restore', {
      output: {
        adopted: [{ create: adopted, status: 'running', processes: [init], execs: 0 }],
        ended: [],
      },
    });
    expect(signals(played)).toEqual([{ id: 'c', process: 'init', signal: 15 }]);
    await played.exited();
    await played.effects.done('delete');
    expect(played.stopped).toBe(true);
  });

  it('ends where it cannot find out', async () => {
    const played = new PlayedSystem();
    await played.stop();
    await played.effects.fail('restore');
    expect(played.stopped).toBe(true);
    expect(played.reports).toEqual(['the containers of before could not be restored']);
  });

  it('tells of the exits that came meanwhile, before it ends', async () => {
    const played = new PlayedSystem();
    await played.exited();
    await played.stop();
    await played.effects.done('restore', { output: { adopted: [], ended: [] } });
    expect(played.stopped).toBe(true);
    expect(played.strays).toMatchObject([{ id: 'c', pid: 100 }]);
  });

  it('does not signal what turns out to have ended', async () => {
    const adopted = create({ requestId: '' });
    const init = { process: 'init', requestId: '', spec: adopted.spec, pid: 100, startTime: '1' };
    const played = new PlayedSystem();
    await played.stop();
    await played.exited();
    await played.effects.done('restore', {
      output: {
        adopted: [{ create: adopted, status: 'running', processes: [init], execs: 0 }],
        ended: [],
      },
    });
    expect(played.underWay()).toEqual(['delete']);
  });
});
