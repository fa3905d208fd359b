import { describe, expect, it } from 'vitest';
import { MAX_PROCESSES } from '../../src/machines/container-actions.ts';
import { checkpoint, exec, pause, resume, signal } from './fixtures/requests.ts';
import { errorOf, PlayedSystem, pass, stopTheClock } from './fixtures/system.ts';

stopTheClock();

/** A system with one container that runs, and one exec in it, with pid 101. */
async function withExec(): Promise<PlayedSystem> {
  const played = await PlayedSystem.running();
  await played.ask(exec());
  await played.launched('exec-1');
  return played;
}
const execEnds = { process: 'exec-1', pid: 101 };

describe('an exec', () => {
  it('starts beside others, each answered with its own pid, and is listed in start order', async () => {
    const played = await PlayedSystem.running();
    const [first, second] = [await played.ask(exec()), await played.ask(exec())];
    expect(played.underWay()).toEqual(['launch exec-1', 'launch exec-2']);
    await played.launched('exec-2');
    await played.launched('exec-1');
    expect([first.outcome, second.outcome]).toEqual([
      { ok: true, pid: 102 },
      { ok: true, pid: 101 },
    ]);
    expect(played.system.find('c')?.processes.map(({ pid }) => pid)).toEqual([100, 102, 101]);
  });

  it('is refused where the container has as many processes as it may have, until one has ended', async () => {
    const played = await PlayedSystem.running();
    for (let n = 1; n < MAX_PROCESSES; n++) await played.ask(exec());
    expect(errorOf(await played.ask(exec()))).toBe('tooManyProcesses');
    await played.effects.fail('launch');
    const last = await played.ask(exec());
    expect(last.outcome).toBeUndefined();
  });

  it('that fails says why, and leaves nothing', async () => {
    const played = await PlayedSystem.running();
    const asked = await played.ask(exec());
    await played.effects.fail('launch');
    expect(errorOf(asked)).toBe('runtimeFailed');
    expect(played.told()).toEqual(['start']);
    expect(played.system.find('c')?.processes).toHaveLength(1);
    expect(played.system.countActors()).toBe(3);
  });

  it('that ends before runc has said its pid is answered first, then told of', async () => {
    const played = await PlayedSystem.running();
    const asked = await played.ask(exec());
    await played.exited({ process: 'exec-1', pid: 101, status: 3 });
    expect(played.told()).toEqual(['start']);
    await played.launched('exec-1');
    expect(asked.outcome).toEqual({ ok: true, pid: 101 });
    expect(played.told()).toEqual(['start', 'exec exec-1', 'exit exec-1']);
    expect(played.notices.at(-1)).toMatchObject({ pid: 101, status: 3 });
  });

  it('waits for a pause that is under way, and is refused once it is paused', async () => {
    const played = await PlayedSystem.running();
    await played.ask(pause());
    const asked = await played.ask(exec());
    expect(played.underWay()).toEqual(['pause']);
    await played.effects.done('pause');
    expect(errorOf(asked)).toBe('containerState');
    expect(played.underWay()).toEqual([]);
  });

  it('waits for a resume that is under way, and starts then', async () => {
    const played = await PlayedSystem.running();
    await played.ask(pause());
    await played.effects.done('pause');
    await played.ask(resume());
    await played.ask(exec());
    await played.effects.done('resume');
    expect(played.underWay()).toEqual(['launch exec-1']);
  });

  it.each([
    ['a pause', pause(), 'pause'],
    ['a checkpoint', checkpoint(), 'checkpoint'],
  ])(
    'that is being launched holds back %s, and with it the execs that come after',
    async (_, request, effect) => {
      const played = await PlayedSystem.running();
      await played.ask(exec());
      await played.ask(request);
      await played.ask(exec());
      expect(played.underWay()).toEqual(['launch exec-1']);
      await played.launched('exec-1');
      expect(played.underWay()).toEqual([effect]);
    },
  );

  it('can be signalled while it runs, and not once it has ended', async () => {
    const played = await withExec();
    const alive = await played.ask(signal({ pid: 101 }));
    expect(played.underWay()).toEqual(['signal exec-1']);
    await played.effects.done('signal');
    expect(alive.outcome).toEqual({ ok: true, pid: 0 });
    await played.exited(execEnds);
    expect(errorOf(await played.ask(signal({ pid: 101 })))).toBe('processNotFound');
  });

  it('that ends while a signal is on its way to it is told of once that is answered', async () => {
    const played = await withExec();
    const asked = await played.ask(signal({ pid: 101 }));
    await played.exited(execEnds);
    expect(errorOf(await played.ask(signal({ pid: 101 })))).toBe('processNotFound');
    expect(played.told()).toEqual(['start', 'exec exec-1']);
    await played.effects.fail('signal');
    expect(errorOf(asked)).toBe('runtimeFailed');
    expect(played.told()).toEqual(['start', 'exec exec-1', 'exit exec-1']);
  });
});

describe('once init has ended', () => {
  it('no exec is started', async () => {
    const played = await PlayedSystem.running();
    await played.exited();
    expect(errorOf(await played.ask(exec()))).toBe('containerExited');
    expect(played.underWay()).toEqual(['delete']);
  });

  it('an exec that is being launched comes to its end before anything is deleted', async () => {
    const played = await PlayedSystem.running();
    const asked = await played.ask(exec());
    await played.exited();
    expect(played.underWay()).toEqual(['launch exec-1']);
    await played.effects.fail('launch');
    expect(errorOf(asked)).toBe('runtimeFailed');
    expect(played.underWay()).toEqual(['delete']);
  });

  it('an exec that has come to run all the same has its answer, and its exit before init’s', async () => {
    const played = await PlayedSystem.running();
    const asked = await played.ask(exec());
    await played.exited();
    await played.launched('exec-1');
    expect(asked.outcome).toEqual({ ok: true, pid: 101 });
    await played.effects.done('delete');
    expect(played.told()).toEqual(['start', 'exec exec-1']);
    await played.exited(execEnds);
    expect(played.told()).toEqual(['start', 'exec exec-1', 'exit exec-1', 'exit']);
  });

  it('its exit is told after those of the execs that died with it, whichever the shim saw first', async () => {
    const played = await withExec();
    await played.exited({ status: 137 });
    await played.exited({ ...execEnds, status: 137 });
    await played.effects.done('delete');
    expect(played.told()).toEqual(['start', 'exec exec-1', 'exit exec-1', 'exit']);
  });

  it('an exec whose exit does not come delays its own by ten seconds at the most, and is a stray then', async () => {
    const played = await withExec();
    await played.exited();
    await played.effects.done('delete');
    await pass(9_999);
    expect(played.told()).toEqual(['start', 'exec exec-1']);
    await pass(1);
    expect(played.told()).toEqual(['start', 'exec exec-1', 'exit']);
    expect(played.reports).toEqual(['execs outlived their container']);
    await played.exited(execEnds);
    expect(played.strays).toMatchObject([{ process: 'exec-1' }]);
  });

  it('a signal on its way to an exec that has outlived it is answered all the same', async () => {
    const played = await withExec();
    const asked = await played.ask(signal({ pid: 101 }));
    await played.exited();
    await played.effects.done('delete');
    await pass(10_000);
    expect(errorOf(asked)).toBe('containerExited');
    expect(played.told()).toEqual(['start', 'exec exec-1', 'exit']);
  });
});
