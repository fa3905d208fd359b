import { describe, expect, it } from 'vitest';
import { StateResponse } from '../../src/generated/api.ts';
import { stateResponse } from '../../src/server/state.ts';
import { spec } from '../machines/fixtures/requests.ts';

const machine = { id: 'm', cpus: 2, memoryBytes: 2n ** 64n - 1n };
const entry = (process: string, pid: number) => ({ process, requestId: 'r', spec, pid, startTime: '1' });

describe('the answer to State', () => {
  it('has the machine alone where there is no container', () => {
    expect(stateResponse([], machine)).toEqual({
      containers: [],
      machine: { id: 'm', cpus: 2, memory: 2n ** 64n - 1n },
    });
  });

  it('has each container with its processes in start order, but for one that is being started', () => {
    const processes = [entry('init', 7), entry('exec-1', 0), entry('exec-2', 9)];
    const views = [{ id: 'c', bundlePath: '/b', status: 'paused' as const, processes }];
    const response = stateResponse(views, machine);
    expect(response.containers).toEqual([
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
    expect(StateResponse.decode(StateResponse.encode(response).finish())).toEqual(response);
  });
});
