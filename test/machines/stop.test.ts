import { describe, expect, it } from 'vitest';
import { create, exec, pause, signal, update } from './fixtures/requests.ts';
import { errorOf, PlayedSystem, pass, stopTheClock } from './fixtures/system.ts';

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

  it('sends KILL at once where it is asked again, and nothing more after that', async () => {
    const played = await PlayedSystem.running();
    await played.stop();
    await played.stop();
    await played.stop();
    await pass(20_000);
    expect(signals(played)).toMatchObject([{ signal: 15 }, { signal: 9 }]);
  });

  it('ends at once where it has no containers', async () => {
    const played = await PlayedSystem.start();
    await played.stop();
    expect(played.stopped).toBe(true);
  });
});

describe('what a daemon that is asked to end', () => {
  it('has not begun to start is not started', async () => {
    const played = await PlayedSystem.start({ concurrency: 1 });
    await played.ask(create({ id: 'a' }));
    const queued = await played.ask(create({ id: 'b' }));
    await played.stop();
    expect(errorOf(queued)).toBe('supervisorStopped');
    expect(played.underWay()).toEqual(['launch init']);
  });

  it('is starting it ends once that runs', async () => {
    const played = await PlayedSystem.start();
    const asked = await played.ask(create());
    await played.stop();
    expect(signals(played)).toEqual([]);
    await played.launched();
    expect(asked.outcome).toEqual({ ok: true, pid: 100 });
    expect(signals(played)).toMatchObject([{ signal: 15 }]);
  });

  it('is starting it need not end where the start fails', async () => {
    const played = await PlayedSystem.start();
    const asked = await played.ask(create());
    await played.stop();
    await played.effects.fail('launch');
    await played.effects.done('delete');
    expect(errorOf(asked)).toBe('runtimeFailed');
    expect(played.stopped).toBe(true);
  });

  it('is asked for is refused, but for signals', async () => {
    const played = await PlayedSystem.running();
    await played.stop();
    await played.effects.done('signal');
    for (const request of [create({ id: 'd' }), exec(), pause(), update()]) {
      expect(errorOf(await played.ask(request))).toBe('supervisorStopped');
    }
    await played.ask(signal({ signal: 9 }));
    expect(signals(played)).toMatchObject([{ signal: 9 }]);
  });

  it('has paused it thaws first', async () => {
    const played = await PlayedSystem.running();
    await played.ask(pause());
    await played.effects.done('pause');
    await played.stop();
    expect(played.underWay()).toEqual(['resume']);
    await played.effects.done('resume');
    expect(signals(played)).toMatchObject([{ signal: 15 }]);
  });

  it('is pausing it thaws once it is paused', async () => {
    const played = await PlayedSystem.running();
    await played.ask(pause());
    await played.stop();
    await played.effects.done('pause');
    expect(played.underWay()).toEqual(['resume']);
  });

  it('cannot thaw gets its signal frozen, stays paused, and is thawed again for KILL', async () => {
    const played = await PlayedSystem.running();
    await played.ask(pause());
    await played.effects.done('pause');
    await played.stop();
    await played.effects.fail('resume');
    expect(played.reports).toEqual(['a paused container could not be resumed to end it']);
    expect(played.status()).toBe('paused');
    expect(signals(played)).toMatchObject([{ signal: 15 }]);
    await played.effects.done('signal');
    await played.stop();
    expect(played.underWay()).toEqual(['resume']);
    await played.effects.done('resume');
    expect(signals(played)).toMatchObject([{ signal: 9 }]);
  });

  it('cannot thaw for TERM is thawed for the KILL that has come meanwhile', async () => {
    const played = await PlayedSystem.running();
    await played.ask(pause());
    await played.effects.done('pause');
    await played.stop();
    await played.stop();
    await played.effects.fail('resume');
    expect(played.underWay()).toEqual(['signal init', 'resume']);
    await played.effects.done('resume');
    expect(signals(played)).toMatchObject([{ signal: 15 }, { signal: 9 }]);
  });

  it('could not thaw because it has ended is not signalled', async () => {
    const played = await PlayedSystem.running();
    await played.ask(pause());
    await played.effects.done('pause');
    await played.stop();
    await played.exited();
    await played.effects.fail('resume');
    expect(played.underWay()).toEqual(['delete']);
    expect(played.reports).toEqual([]);
  });

  it('cannot signal is in its log, and killed when its time is over', async () => {
    const played = await PlayedSystem.running();
    await played.stop();
    await played.effects.fail('signal');
    expect(played.reports).toEqual(['a process could not be told to end']);
    await pass(10_000);
    expect(signals(played)).toMatchObject([{ signal: 9 }]);
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
        untold: [],
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
    await played.effects.done('restore', { output: { adopted: [], untold: [] } });
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
        untold: [],
      },
    });
    expect(played.underWay()).toEqual(['delete']);
  });
});

describe('a daemon that is to leave its containers when it is asked to end', () => {
  it('ends at once where nothing is under way, with no signal sent', async () => {
    const played = await PlayedSystem.running({ onStop: 'leave' });
    await played.stop();
    expect(played.stopped).toBe(true);
    expect(signals(played)).toEqual([]);
    expect(played.told()).toEqual(['start']);
  });

  it('waits for the answer to what is under way, starts nothing, and refuses what is asked', async () => {
    const played = await PlayedSystem.start({ onStop: 'leave', concurrency: 1 });
    const starting = await played.ask(create({ id: 'a' }));
    const queued = await played.ask(create({ id: 'b' }));
    await played.stop();
    expect(errorOf(queued)).toBe('supervisorStopped');
    expect(errorOf(await played.ask(create({ id: 'd' })))).toBe('supervisorStopped');
    expect(played.stopped).toBe(false);
    await played.launched();
    expect(starting.outcome).toEqual({ ok: true, pid: 100 });
    expect(played.stopped).toBe(true);
    expect(played.underWay()).toEqual([]);
  });

  it.each(['after ten seconds', 'when asked again'])('says so to whoever waits still %s', async (when) => {
    const played = await PlayedSystem.start({ onStop: 'leave' });
    const asked = await played.ask(create());
    await played.stop();
    await (when === 'when asked again' ? played.stop() : pass(10_000));
    expect(errorOf(asked)).toBe('supervisorStopped');
    expect(played.stopped).toBe(true);
  });
});
