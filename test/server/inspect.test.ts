import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type * as wire from '../../src/generated/inspect.ts';
import { HISTORY_LIMITS } from '../../src/history/recorder.ts';
import { createInspectApi } from '../../src/server/inspect.ts';
import { startSimulatedSystem } from '../inspector/simulated-system.ts';

async function begin() {
  const simulated = await startSimulatedSystem();
  const stats = { subscribe: () => () => {}, close: () => {} };
  const api = createInspectApi({ ...simulated, stats });
  const ask = <Answer>(method: 'tree' | 'history', request: object) =>
    new Promise<Answer>((resolve, reject) => {
      const call = { request } as never;
      const callback = (error: unknown, answer: unknown) =>
        error ? reject(error) : resolve(answer as Answer);
      api[method](call, callback as never);
    });
  return {
    ...simulated,
    tree: async () => (await ask<wire.TreeResponse>('tree', {})).actors,
    history: async (id: string) => (await ask<wire.HistoryResponse>('history', { id })).steps,
  };
}

const lines = (steps: wire.Step[]): string[] =>
  steps.map(({ process, event, sender, state, outcome }) =>
    [process || 'c', event, sender, state, outcome].filter(Boolean).join(' | '),
  );

describe('the tree', () => {
  it('has each container after the supervisor, followed by its processes', async () => {
    const { start, exec, kill, tree } = await begin();
    for (const id of ['a', 'b', 'gone']) await start(id);
    await exec('a');
    await kill('gone');
    await expect.poll(async () => (await tree()).map(({ id }) => id)).not.toContain('gone');
    const [, a, init] = await tree();
    expect(a).toMatchObject({ pid: init?.pid, since: expect.any(BigInt) });
    expect(init?.pid).toBeGreaterThan(0);
    expect(a?.state_since).toBeGreaterThanOrEqual(a?.since ?? 0n);
    expect((await tree()).map(({ kind, id, container, state }) => [kind, id, container, state])).toEqual([
      ['supervisor', 'supervisor', '', 'running'],
      ['container', 'a', '', 'running.steady'],
      ['process', 'init', 'a', 'running.alive'],
      ['process', 'exec-1', 'a', 'running.alive'],
      ['container', 'b', '', 'running.steady'],
      ['process', 'init', 'b', 'running.alive'],
    ]);
  });
});

describe('a history', () => {
  it('says who asked, the state after it, and what runc said', async () => {
    const { start, checkpoint, history } = await begin();
    await start('c');
    await checkpoint('c');
    expect(lines(await history('c'))).toEqual([
      'c | begins | client r1 | created.queued',
      'c | slot.granted | supervisor | created.launching.starting',
      'init | begins | container | created.launching',
      'init | launch done | launch | running.alive',
      'c | process.running | init | running.steady | told of start; answered r1',
      'c | checkpoint | client r2 | running.checkpointing',
      'c | checkpoint failed | checkpoint | running.steady | containerd: runc checkpoint failed: criu: no such namespace',
    ]);
  });

  it('has no argument and no variable of what runs', async () => {
    const { start, history } = await begin();
    await start('c');
    const text = JSON.stringify(await history('c'), (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(text).toContain('redis');
    expect(text).not.toContain('hunter2');
  });

  it('is there of a container that is gone', async () => {
    const { start, kill, history, system } = await begin();
    await start('c');
    await kill('c');
    await expect.poll(() => system.find('c')).toBeUndefined();
    expect(lines(await history('c')).at(-1)).toBe('c | delete done | delete | deleted');
  });

  it('is bounded, however much has happened', async () => {
    const { start, pause, resume, history } = await begin();
    await start('c');
    for (let n = 0; n < 200; n++) {
      await pause('c');
      await resume('c');
    }
    const steps = await history('c');
    expect(steps.filter(({ process }) => process === '')).toHaveLength(HISTORY_LIMITS.stepsPerActor);
    expect(steps.at(-1)).toMatchObject({ event: 'resume done', state: 'running.steady' });
  });

  it.each(['', '../c', 'a/b', 'x'.repeat(300)])('is not there of %j, which is no id', async (id) => {
    const { history } = await begin();
    await expect(history(id)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it('is not there of one that never was', async () => {
    const { history } = await begin();
    await expect(history('nobody')).rejects.toMatchObject({ code: status.NOT_FOUND });
  });
});
