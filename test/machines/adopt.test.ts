import { describe, expect, it } from 'vitest';
import type { Adopted } from '../../src/machines/adopt.ts';
import type { ProcessEntry } from '../../src/machines/container-model.ts';
import { UNKNOWN_EXIT } from '../../src/machines/messages.ts';
import { create, exec, pause, resume, signal, spec } from './fixtures/requests.ts';
import { errorOf, PlayedSystem, stopTheClock } from './fixtures/system.ts';

stopTheClock();

const process = (name: string, pid: number): ProcessEntry => ({
  process: name,
  requestId: '',
  spec,
  pid,
  startTime: pid === 0 ? '' : '1',
});
const init = process('init', 100);

/** A system that has taken up one container of a former daemon, which runs where nothing else is said. */
function adopting(of: Partial<Adopted>): Promise<PlayedSystem> {
  const adopted: Adopted = {
    create: create({ requestId: '' }),
    status: 'running',
    processes: [init],
    execs: 0,
    oomKills: 0,
    ...of,
  };
  return PlayedSystem.start({
    restored: { adopted: [adopted], untold: [] },
  });
}

describe('a container that a former daemon started', () => {
  it('runs on, with nothing done to it and nobody told', async () => {
    const played = await adopting({ processes: [init, process('exec-3', 103)], execs: 3 });
    expect(played.status()).toBe('running');
    expect(played.system.find('c')?.processes).toEqual([init, process('exec-3', 103)]);
    expect(played.underWay()).toEqual([]);
    expect(played.told()).toEqual([]);
  });

  it('is asked like any other, and names its execs from where it was', async () => {
    const played = await adopting({ processes: [init, process('exec-3', 103)], execs: 3 });
    await played.ask(signal({ pid: 103 }));
    await played.ask(exec());
    expect(played.underWay()).toEqual(['signal exec-3', 'launch exec-4']);
  });

  it('ends like any other', async () => {
    const played = await adopting({ processes: [init, process('exec-1', 101)], execs: 1 });
    await played.exited();
    await played.exited({ process: 'exec-1', pid: 101 });
    await played.effects.done('delete');
    expect(played.notices).toMatchObject([
      { type: 'exit', process: 'exec-1', pid: 101 },
      { type: 'exit', process: 'init', pid: 100, status: 7 },
    ]);
    const again = await played.ask(create());
    await played.launched();
    expect(again.outcome).toEqual({ ok: true, pid: 100 });
  });

  it('ends where nobody knows how', async () => {
    const played = await adopting({});
    await played.exited({ status: 255, unixNs: '' });
    expect(played.underWay()).toEqual(['delete']);
    await played.effects.done('delete');
    expect(played.notices).toMatchObject([{ type: 'exit', pid: 100, status: 255 }]);
  });

  it('is paused where it was paused', async () => {
    const played = await adopting({ status: 'paused' });
    expect(played.status()).toBe('paused');
    expect(errorOf(await played.ask(exec()))).toBe('containerState');
    await played.ask(resume());
    await played.effects.done('resume');
    expect(played.status()).toBe('running');
  });

  it('is not listed while it is being started, and its start is asked for, not begun anew', async () => {
    const played = await adopting({ status: 'launching', processes: [process('init', 0)] });
    expect(played.status()).toBeUndefined();
    expect(played.effects.open).toMatchObject([{ effect: 'launch', input: { launch: { kind: 'adopt' } } }]);
    expect(errorOf(await played.ask(create()))).toBe('containerExists');
    await played.launched();
    expect(played.status()).toBe('running');
    expect(played.notices).toMatchObject([{ type: 'start', adopted: true }]);
    expect(played.reports).toEqual([]);
  });

  it('is removed, with nobody to answer, where its start turns out to have failed', async () => {
    const played = await adopting({ status: 'launching', processes: [process('init', 0)] });
    await played.effects.fail('launch');
    expect(played.underWay()).toEqual(['delete']);
    await played.effects.done('delete');
    expect(played.notices).toMatchObject([{ type: 'undone', process: 'init', pid: 0 }]);
    expect(played.notices[0]?.why).toBeTruthy();
    expect(played.reports).toEqual(['what a former daemon was asked failed']);
    expect(played.system.countActors()).toBe(1);
  });

  it('has the outcome of an exec asked for that was being started, which holds back a pause', async () => {
    const played = await adopting({ processes: [init, process('exec-1', 0)], execs: 1 });
    expect(played.effects.open).toMatchObject([
      { effect: 'launch', input: { process: 'exec-1', launch: { kind: 'adopt' } } },
    ]);
    await played.ask(pause());
    expect(played.underWay()).toEqual(['launch exec-1']);
    await played.effects.fail('launch');
    expect(played.underWay()).toEqual(['pause']);
    expect(played.notices).toMatchObject([{ type: 'undone', process: 'exec-1' }]);
  });

  it('tells of an exec that was being started, and not of one of its own, that it was adopted', async () => {
    const played = await adopting({ processes: [init, process('exec-1', 0)], execs: 1 });
    await played.effects.done('launch', { process: 'exec-1', output: { pid: 101, startTime: '1' } });
    await played.ask(exec());
    await played.effects.done('launch', { process: 'exec-2', output: { pid: 102, startTime: '1' } });
    expect(played.notices.map(({ type, pid, adopted }) => [type, pid, adopted])).toEqual([
      ['exec', 101, true],
      ['exec', 102, undefined],
    ]);
  });

  it('tells an end of which nobody knows the status as such', async () => {
    const played = await adopting({});
    await played.exited(UNKNOWN_EXIT);
    await played.effects.done('delete');
    expect(played.notices).toMatchObject([{ type: 'exit', status: 255, unknown: true }]);
  });
});

describe('while a daemon looks for the containers of a former one', () => {
  it('requests are refused, to be tried again', async () => {
    const played = new PlayedSystem();
    expect(errorOf(await played.ask(create()))).toBe('supervisorRestoring');
    expect(errorOf(await played.ask(signal()))).toBe('supervisorRestoring');
  });

  it('exits wait, and are then their containers’, or nobody’s', async () => {
    const played = new PlayedSystem();
    await played.exited();
    await played.exited({ id: 'gone' });
    expect(played.strays).toEqual([]);
    const adopted: Adopted = {
      create: create({ requestId: '' }),
      status: 'running',
      processes: [init],
      execs: 0,
      oomKills: 0,
    };
    await played.effects.done('restore', { output: { adopted: [adopted], untold: [] } });
    expect(played.underWay()).toEqual(['delete']);
    expect(played.strays).toMatchObject([{ id: 'gone' }]);
  });
});
