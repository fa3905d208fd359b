import { describe, expect, it } from 'vitest';
import { countStates } from '../../src/history/state-counts.ts';
import { createFeed } from '../../src/inspector/feed.ts';
import type { ToPage } from '../../src/inspector/wire.ts';
import { startSimulatedSystem } from './simulated-system.ts';

/** A page that notes what it is told, and reads it unless it is told not to. */
class Page {
  readonly told: ToPage[] = [];
  bufferedAmount = 0;
  send(text: string): void {
    this.told.push(JSON.parse(text) as ToPage);
  }
  of<Type extends ToPage['type']>(type: Type) {
    return this.told.filter((it): it is ToPage & { type: Type } => it.type === type);
  }
  states(): Record<string, string> {
    const rows = this.of('actors').flatMap(({ rows }) => rows);
    return Object.fromEntries(rows.map(({ id, state }) => [id, state]));
  }
}

async function begin() {
  const simulated = await startSimulatedSystem();
  const { recorder } = simulated;
  const feed = createFeed({ id: 'm', recorder, counts: countStates(recorder), secrets: false });
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
});
