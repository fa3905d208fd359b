import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Recorded } from '../../src/history/recorded.ts';
import { createRecorder, HISTORY_LIMITS } from '../../src/history/recorder.ts';
import { create, ended, exec, pause, signal, spec } from '../machines/fixtures/requests.ts';
import { PlayedSystem } from '../machines/fixtures/system.ts';

const play = async ({ limits = HISTORY_LIMITS, whole = false } = {}) => {
  const recorder = createRecorder({ limits, whole });
  return { recorder, played: await PlayedSystem.running({ hearer: recorder.hearer }) };
};

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

async function pauseOf(played: PlayedSystem): Promise<{ requestId: string }> {
  const request = pause();
  await played.ask(request);
  await played.effects.done('pause', {});
  return request;
}

const lines = (actor: Recorded | undefined): string[] =>
  (actor?.steps ?? []).map(({ sender, event, state }) =>
    [sender.replace(/request-\d+/, 'r'), event.type.replace(/^(xstate\.\w+\.actor)\..*/, '$1'), state].join(
      ' ',
    ),
  );

describe('the history of a container', () => {
  it('has each event, who sent it, and the state after it', async () => {
    const { recorder, played } = await play();
    await played.ask(pause());
    await played.effects.done('pause', {});
    expect(lines(recorder.container('c'))).toEqual([
      'client r xstate.init created.queued',
      'supervisor slot.granted created.launching.starting',
      'init process.running running.steady',
      'client r update running.pausing',
      'pause xstate.done.actor paused.steady',
    ]);
    expect(lines(recorder.container('c')?.children[0])).toEqual([
      'container xstate.init created.launching',
      'launch xstate.done.actor running.alive',
    ]);
  });

  it('has what was said to a client and to subscribers', async () => {
    const { recorder, played } = await play();
    const { requestId } = await pauseOf(played);
    const paused = recorder.container('c')?.steps.at(-1);
    expect(paused?.said.map(({ type }) => type)).toEqual(['publish', 'reply']);
    expect(paused?.said[1]?.params).toMatchObject({ requestId, outcome: { ok: true } });
  });

  it('has the context alone that is there now', async () => {
    const { recorder, played } = await play();
    await pauseOf(played);
    expect(recorder.container('c')?.context).toMatchObject({ id: 'c' });
    for (const { context } of recorder.container('c')?.steps ?? []) expect(context).toBeUndefined();
  });

  it('has the event at which an actor failed, as its last', async () => {
    const { recorder, played } = await play();
    played.breakAtNext('pause');
    await pauseOf(played);
    expect(lines(recorder.container('c')).at(-1)).toBe('pause xstate.done.actor running.pausing');
    expect(recorder.container('c')?.goneMs).toBeGreaterThan(0);
    expect(recorder.container('c')?.children[0]?.goneMs).toBeGreaterThan(0);
  });

  it('has, where it is whole, the contexts, the transitions that were taken and the effects that began', async () => {
    const { recorder, played } = await play({ whole: true });
    await played.ask(pause());
    await played.effects.done('pause', {});
    const [asked, paused] = recorder.container('c')?.steps.slice(-2) ?? [];
    expect(asked?.transitions.map(({ source, target }) => [source.id, target?.[0]?.id])).toEqual([
      ['container.running.steady', 'container.running.pausing'],
    ]);
    expect(asked?.began).toEqual(['pause']);
    expect(paused?.context).toMatchObject({ id: 'c', processes: [{ process: 'init', pid: 100 }] });
    expect(paused?.source).toMatch(/^x:\d+$/);
  });

  it('has an event that changed nothing, without a transition', async () => {
    const { recorder, played } = await play();
    await played.exited({ pid: 100 });
    await played.cancel(create());
    const last = recorder.container('c')?.steps.at(-1);
    expect(last?.event.type).toBe('cancel');
    expect(last?.state).toBe(recorder.container('c')?.state);
  });

  it('is there once the container is gone, and that of its processes', async () => {
    const { recorder, played } = await play();
    await played.exited();
    await played.effects.done('delete', {});
    expect(played.status()).toBeUndefined();
    expect(recorder.container('c')).toMatchObject({ state: 'deleted' });
    expect(recorder.container('c')?.goneMs).toBeGreaterThan(0);
    expect(lines(recorder.container('c')?.children[0]).at(-1)).toBe('container shim.exited exited');
  });

  it('is another one where the id is used again', async () => {
    const { recorder, played } = await play();
    const first = recorder.container('c');
    await played.exited();
    await played.effects.done('delete', {});
    await played.ask(create({ requestId: 'again' }));
    expect(recorder.container('c')).not.toBe(first);
    expect([...recorder.containers()]).toEqual([recorder.container('c'), first]);
  });
});

describe('what is kept', () => {
  it('is bounded for an actor', async () => {
    const { recorder, played } = await play({ limits: { ...HISTORY_LIMITS, stepsPerActor: 3 } });
    for (let n = 0; n < 10; n++) await played.cancel(create());
    expect(recorder.container('c')?.steps).toHaveLength(3);
    expect(recorder.supervisor?.steps).toHaveLength(3);
  });

  it('is bounded in total, at the cost of all in turn', async () => {
    const { recorder, played } = await play({ limits: { ...HISTORY_LIMITS, steps: 12 } });
    for (let n = 0; n < 20; n++) await played.cancel(create());
    const all = [recorder.supervisor, recorder.container('c'), recorder.container('c')?.children[0]];
    const total = all.reduce((sum, actor) => sum + (actor?.steps.length ?? 0), 0);
    expect(total).toBeLessThanOrEqual(12);
    for (const actor of all) expect(actor?.steps.length).toBeGreaterThan(0);
  });

  it('is bounded in containers that are gone', async () => {
    const { recorder, played } = await play({ limits: { ...HISTORY_LIMITS, goneContainers: 1 } });
    await played.exited();
    await played.effects.done('delete', {});
    const first = recorder.container('c');
    await played.ask(create({ id: 'd', requestId: 'd' }));
    await played.launched();
    await played.exited({ id: 'd', pid: 101 });
    await played.effects.done('delete', {});
    expect([...recorder.containers()].map(({ id }) => id)).toEqual(['d']);
    expect(recorder.container('c')).toBeUndefined();
    expect(recorder.actor(first?.session ?? '')).toBeUndefined();
    expect(recorder.actor(first?.children[0]?.session ?? '')).toBeUndefined();
  });

  it.each([
    ['', false],
    [', contexts among it', true],
  ])('is little of what is much%s', async (_, whole) => {
    const { recorder, played } = await play({ whole });
    const heapBytes = () => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const large = () => ({ ...spec, env: [`A=${Buffer.alloc(2 ** 19, 'x').toString('latin1')}`] });
    const before = heapBytes();
    for (let n = 1; n <= 50; n++) {
      await played.ask(exec({ requestId: `refused-${n}`, id: 'nobody', spec: large() }));
      await played.ask(exec({ requestId: `${n}`, spec: large() }));
      await played.launched(`exec-${n}`);
      await played.exited({ process: `exec-${n}`, pid: 100 + n });
    }
    expect((heapBytes() - before) / 2 ** 19).toBeLessThan(20);
    const asked = recorder.container('c')?.steps.find(({ event }) => event.type === 'exec');
    expect(asked?.event.spec.args).toEqual(spec.args);
  });

  it('is let go of once it is forgotten', async () => {
    const { recorder, played } = await play({ limits: { ...HISTORY_LIMITS, goneContainers: 1 } });
    const first = new WeakRef(recorder.container('c') ?? {});
    await played.exited();
    await played.effects.done('delete', {});
    for (let n = 1; n <= 40; n += 1) {
      const id = `c${n}`;
      await played.ask(create({ id, requestId: id }));
      await played.launched();
      await played.exited({ id, pid: 100 + n });
      await played.effects.done('delete', {});
    }
    collectGarbage();
    expect(first.deref()).toBeUndefined();
  });

  it('is gone through to its end, though some of it is forgotten meanwhile', async () => {
    const { recorder, played } = await play({ limits: { ...HISTORY_LIMITS, goneContainers: 3 } });
    await played.exited();
    await played.effects.done('delete', {});
    const end = async (n: number) => {
      await played.ask(create({ id: `c${n}`, requestId: `c${n}` }));
      await played.launched();
      await played.exited({ id: `c${n}`, pid: 100 + n });
      await played.effects.done('delete', {});
    };
    for (const n of [1, 2]) await end(n);
    const seen: string[] = [];
    for (const { id } of recorder.containers()) {
      seen.push(id);
      if (id === 'c') await end(3);
    }
    expect(seen).toEqual(['c', 'c1', 'c2', 'c3']);
  });

  it('is bounded in processes that are gone', async () => {
    const { recorder, played } = await play({ limits: { ...HISTORY_LIMITS, goneProcesses: 1 } });
    for (const [n, process] of ['exec-1', 'exec-2'].entries()) {
      await played.ask(exec({ requestId: process }));
      await played.launched(process);
      await played.exited({ process, pid: 101 + n });
    }
    expect(recorder.container('c')?.children.map(({ id }) => id)).toEqual(['init', 'exec-2']);
  });
});

describe('the processes of a container that are gone', () => {
  const withExecs = async (count: number, limits = HISTORY_LIMITS) => {
    const { recorder, played } = await play({ limits });
    for (let n = 1; n <= count; n += 1) {
      await played.ask(exec({ requestId: `exec-${n}` }));
      await played.launched(`exec-${n}`);
    }
    const end = (n: number) => played.exited({ process: `exec-${n}`, pid: 100 + n });
    return { recorder, played, end, children: () => recorder.container('c')?.children ?? [] };
  };

  it('are forgotten in the order in which they have ended', async () => {
    const { end, children } = await withExecs(3, { ...HISTORY_LIMITS, goneProcesses: 1 });
    for (const n of [2, 3, 1]) await end(n);
    expect(children().map(({ id }) => id)).toEqual(['init', 'exec-1']);
  });

  it('are forgotten after all of their steps have been told', async () => {
    const { recorder, end } = await withExecs(2, { ...HISTORY_LIMITS, goneProcesses: 0 });
    const heard: string[] = [];
    recorder.listen({
      stepped: ({ id, goneMs }) => goneMs !== 0 && heard.push(`${id} ends`),
      forgotten: ({ id }) => heard.push(`${id} is forgotten`),
    });
    await end(1);
    expect(heard).toEqual(['exec-1 ends', 'exec-1 is forgotten']);
  });

  it('are more than init, which is kept with its container', async () => {
    const { played, end, children } = await withExecs(2, { ...HISTORY_LIMITS, goneProcesses: 2 });
    for (const n of [1, 2]) await end(n);
    await played.exited(ended());
    expect(children().map(({ id, goneMs }) => [id, goneMs !== 0])).toEqual([
      ['init', true],
      ['exec-1', true],
      ['exec-2', true],
    ]);
  });

  it('are all of them where their container has failed', async () => {
    const { played, children } = await withExecs(5, { ...HISTORY_LIMITS, goneProcesses: 1 });
    played.breakAtNext('exit');
    await played.exited({ process: 'exec-1', pid: 101 });
    expect(children().filter(({ goneMs }) => goneMs === 0)).toEqual([]);
  });
});

it('counts the containers that are there by state', async () => {
  const { recorder, played } = await play();
  await played.ask(create({ id: 'd', requestId: 'd' }));
  expect(Object.fromEntries(recorder.counts)).toMatchObject({ running: 1, created: 1 });
  await played.exited({ process: 'init', pid: 100 });
  expect(Object.fromEntries(recorder.counts)).toMatchObject({ running: 0, created: 1, exited: 1 });
  await played.effects.done('delete', {});
  expect(Object.fromEntries(recorder.counts)).toMatchObject({
    running: 0,
    created: 1,
    exited: 0,
    deleted: 0,
  });
});

it('tells whoever listens of each step', async () => {
  const { recorder, played } = await play();
  const heard: [number, string][] = [];
  const end = recorder.listen({
    stepped: ({ id }, { event, number }) => heard.push([number, `${id} ${event.type}`]),
  });
  await played.ask(signal());
  end();
  await played.exited(ended());
  // An event that is passed on may have done its work below before it has above.
  expect(heard.map(([, what]) => what)).toEqual(['c signal', 'init signal', 'supervisor signal']);
  expect(heard.toSorted(([a], [b]) => a - b).map(([, what]) => what)).toEqual([
    'supervisor signal',
    'c signal',
    'init signal',
  ]);
});
