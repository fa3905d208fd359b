import { describe, expect, it } from 'vitest';
import type { ContainerView } from '../../src/actors/listed.ts';
import { HISTORY_LIMITS, type HistoryLimits } from '../../src/history/recorder.ts';
import { countStates, type StateCounts } from '../../src/history/state-counts.ts';
import { createFeed } from '../../src/inspector/feed.ts';
import { Store } from '../../src/inspector/page/store.ts';
import type { ToPage } from '../../src/inspector/wire.ts';
import { ended } from '../machines/fixtures/requests.ts';
import { startSimulatedSystem } from './simulated-system.ts';

/** A page that notes what it is told, and reads it unless it is told not to. */
class Page {
  readonly told: ToPage[] = [];
  readonly sizes: number[] = [];
  readonly store = new Store();
  bufferedAmount = 0;
  send(text: string): void {
    const message = JSON.parse(text) as ToPage;
    this.sizes.push(text.length);
    this.told.push(message);
    this.store.take(message);
  }
  of<Type extends ToPage['type']>(type: Type) {
    return this.told.filter((it): it is ToPage & { type: Type } => it.type === type);
  }
  states(): Record<string, string> {
    const rows = this.of('actors').flatMap(({ rows }) => rows);
    return Object.fromEntries(rows.map(({ id, state }) => [id, state]));
  }
}

async function begin({
  limits = HISTORY_LIMITS,
  counts,
}: {
  limits?: HistoryLimits;
  counts?: StateCounts;
} = {}) {
  const simulated = await startSimulatedSystem({ limits });
  const { recorder } = simulated;
  const feed = createFeed({ id: 'm', recorder, counts: counts ?? countStates(recorder), secrets: false });
  return { ...simulated, feed };
}

describe('a page', () => {
  it('is told of all actors when it comes, then of what changes', async () => {
    const { feed, start, pause, recorder } = await begin();
    await start('a');
    const page = new Page();
    const { watch, leave } = feed.join(page);
    await expect.poll(() => page.states()).toMatchObject({ supervisor: 'running', a: 'running.steady' });
    watch(recorder.container('a')?.session ?? '');
    await pause('a');
    await expect.poll(() => page.states()).toMatchObject({ a: 'paused.steady' });
    const steps = page.of('steps').flatMap(({ rows }) => rows);
    expect(steps.map(({ state }) => state)).toContain('running.pausing');
    expect(steps.find(({ state }) => state === 'running.pausing')?.edges).toEqual([
      expect.stringMatching(/^container\.running\.steady:update:\d$/),
    ]);
    expect(JSON.stringify(page.told)).not.toContain('hunter2');
    leave();
    expect(feed.watchers).toBe(0);
  });

  it('that does not read is told nothing more, and all anew once it has', async () => {
    const { feed, start } = await begin();
    const [slow, quick] = [new Page(), new Page()];
    feed.join(slow);
    feed.join(quick);
    await expect.poll(() => slow.of('actors')).toHaveLength(1);
    slow.bufferedAmount = 100 * 2 ** 20;
    await start('a');
    await expect.poll(() => quick.states()).toHaveProperty('a');
    expect(slow.of('actors')).toHaveLength(1);
    slow.bufferedAmount = 0;
    await expect.poll(() => slow.of('actors')).toHaveLength(2);
    expect(slow.of('actors')[1]?.reset).toBe(true);
    expect(slow.states()).toHaveProperty('a');
    feed.end();
  });

  it('is told of the actor that it chose last, once', async () => {
    const { feed, start, recorder } = await begin();
    for (const id of ['a', 'b']) await start(id);
    const page = new Page();
    const { watch } = feed.join(page);
    const sessionOf = (id: string) => recorder.container(id)?.session ?? '';
    for (let n = 0; n < 50; n++) for (const id of ['a', 'b']) watch(sessionOf(id));
    await expect.poll(() => page.store.steps.length).toBeGreaterThan(0);
    expect(page.of('steps').map(({ of }) => of)).toEqual([sessionOf('b')]);
    feed.end();
  });

  it('is told the newest steps where what is kept is too much for one message', async () => {
    const { feed, start, exec, pause, resume, recorder } = await begin();
    await start('a', { env: Array(60).fill('X'.repeat(2000)) });
    for (let n = 0; n < 40; n++) await exec('a');
    for (let n = 0; n < 60; n++) for (const turn of [pause, resume]) await turn('a');
    const page = new Page();
    feed.join(page).watch(recorder.container('a')?.session ?? '');
    await expect.poll(() => page.store.steps.length).toBeGreaterThan(0);
    const last = recorder.container('a')?.steps.at(-1)?.number;
    expect(page.store.steps.at(-1)?.number).toBe(last);
    expect(Math.max(...page.sizes)).toBeLessThan(2 ** 20 + 1000);
    feed.end();
  });

  it('is told the newest steps alone where too many come at once', async () => {
    const { feed, start, pause, resume, recorder } = await begin();
    await start('a', { env: Array(60).fill('X'.repeat(2000)) });
    const page = new Page();
    feed.join(page).watch(recorder.container('a')?.session ?? '');
    await expect.poll(() => page.store.steps.length).toBeGreaterThan(0);
    for (let n = 0; n < 60; n++) for (const turn of [pause, resume]) await turn('a');
    const last = recorder.container('a')?.steps.at(-1)?.number;
    await expect.poll(() => page.store.steps.at(-1)?.number).toBe(last);
    expect(Math.max(...page.sizes)).toBeLessThan(2 ** 20 + 1000);
    feed.end();
  });

  it('has no steps of a process that has ended and is forgotten at once', async () => {
    const { feed, start, exec, system, recorder } = await begin({
      limits: { ...HISTORY_LIMITS, goneProcesses: 0 },
    });
    await start('a');
    await exec('a');
    const page = new Page();
    feed.join(page).watch(recorder.container('a')?.session ?? '');
    const session = recorder.container('a')?.children.find(({ id }) => id === 'exec-1')?.session ?? '';
    await expect.poll(() => page.store.steps.map((it) => it.session)).toContain(session);
    const [{ processes }] = system.list() as [ContainerView];
    system.exited(ended({ id: 'a', process: 'exec-1', pid: processes[1]?.pid ?? 0 }));
    await expect.poll(() => page.store.actors.has(session)).toBe(false);
    const last = recorder.container('a')?.steps.at(-1)?.number;
    await expect.poll(() => page.store.steps.at(-1)?.number).toBe(last);
    expect(page.store.steps.map((it) => it.session)).not.toContain(session);
    feed.end();
  });

  it('has the counts as the daemon has them, though earlier ones change and are left out', async () => {
    const at = (atMs: number, running: number) => ({ atMs, counts: { running } });
    const samples = [at(0, 1), at(250, 2), at(500, 3)];
    const { feed } = await begin({ counts: { samples, end: () => {} } });
    const page = new Page();
    feed.join(page);
    await expect.poll(() => page.store.counts).toEqual(samples);
    samples.splice(2, 1, at(500, 4), at(750, 5));
    await expect.poll(() => page.store.counts).toEqual(samples);
    samples.splice(1, 3, at(500, 4), at(750, 6), at(1250, 7));
    await expect.poll(() => page.store.counts).toEqual(samples);
    // The clock was set back.
    samples.splice(1, 3, at(100, 8));
    await expect.poll(() => page.store.counts).toEqual(samples);
    expect(page.of('counts').at(-2)?.samples).toHaveLength(4);
    feed.end();
  });
});
