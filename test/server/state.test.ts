import { describe, expect, it } from 'vitest';
import type { ContainerView } from '../../src/actors/listed.ts';
import { StateResponse } from '../../src/generated/api.ts';
import { stateResponse } from '../../src/server/state.ts';
import { create, exec, pause, resume, spec } from '../machines/fixtures/requests.ts';
import { PlayedSystem } from '../machines/fixtures/system.ts';

const machine = { id: 'm', cpus: 2, memoryBytes: 2n ** 64n - 1n };
const machineOnWire = { id: 'm', cpus: 2, memory: 2n ** 64n - 1n };
const entry = (process: string, pid: number) => ({ process, requestId: 'r', spec, pid, startTime: '1' });

const answer = (views: readonly ContainerView[]) => StateResponse.decode(stateResponse(views, machine));

describe('the answer to State', () => {
  it('has the machine alone where there is no container', () => {
    expect(answer([])).toEqual({ containers: [], machine: machineOnWire });
  });

  it('has each container with its processes in start order, but for one that is being started', () => {
    const processes = [entry('init', 7), entry('exec-1', 0), entry('exec-2', 9)];
    const views = [{ id: 'c', bundlePath: '/b', status: 'paused' as const, processes }];
    expect(answer(views).containers).toEqual([
      {
        id: 'c',
        name: 'c',
        bundlePath: '/b',
        status: 'paused',
        processes: [
          { pid: 7, ...spec },
          { pid: 9, ...spec },
        ],
      },
    ]);
  });

  it('is byte for byte what the message is encoded as in one piece, each time', () => {
    const views = Array.from({ length: 300 }, (_, n) => ({
      id: `c${n}`,
      bundlePath: '/b'.repeat(n),
      status: 'running' as const,
      processes: [entry('init', n + 1)],
    }));
    const whole = StateResponse.encode(answer(views)).finish();
    expect(Buffer.compare(stateResponse(views, machine), whole)).toBe(0);
    expect(Buffer.compare(stateResponse(views, machine), whole)).toBe(0);
  });

  it('is of the present, whatever was answered before', async () => {
    const played = await PlayedSystem.start();
    const shown = () =>
      answer(played.system.list()).containers.map(
        ({ id, status, processes }) => `${id} ${status} ${processes.map(({ pid }) => pid)}`,
      );
    expect(shown()).toEqual([]);
    await played.ask(create());
    expect(shown()).toEqual([]);
    await played.launched();
    expect(shown()).toEqual(['c running 100']);
    await played.ask(exec());
    expect(shown()).toEqual(['c running 100']);
    await played.launched('exec-1');
    expect(shown()).toEqual(['c running 100,101']);
    await played.ask(pause());
    await played.effects.done('pause');
    expect(shown()).toEqual(['c paused 100,101']);
    await played.ask(resume());
    await played.effects.done('resume');
    expect(shown()).toEqual(['c running 100,101']);
    await played.exited({ process: 'exec-1', pid: 101 });
    expect(shown()).toEqual(['c running 100']);
    await played.exited({ pid: 100 });
    await played.effects.done('delete');
    expect(shown()).toEqual([]);
  });

  it('takes nothing anew of a container to which nothing happens', async () => {
    const played = await PlayedSystem.running();
    const [before] = played.system.list();
    await played.ask(create({ id: 'other' }));
    await played.launched();
    expect(played.system.list()[0]).toBe(before);
    await played.ask(pause());
    await played.effects.done('pause');
    expect(played.system.list()[0]).not.toBe(before);
  });
});
