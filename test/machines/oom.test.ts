import { describe, expect, it } from 'vitest';
import type { OomPorts } from '../../src/actors/system.ts';
import type { Hearer } from '../../src/history/hear.ts';
import { OOM_WATCH } from '../../src/machines/container-actions.ts';
import type { Restored } from '../../src/machines/supervisor-model.ts';
import { reactions } from './fixtures/by-hand.ts';
import { create, exec, pause, spec } from './fixtures/requests.ts';
import { PlayedSystem, stopTheClock } from './fixtures/system.ts';

stopTheClock();

/** A kernel that has killed as many as the test says, and who watches it. */
function kernel() {
  const watchers = new Map<string, (kills: number) => void>();
  let kills: number | Error = 0;
  const oom: OomPorts = {
    count: async () => {
      if (kills instanceof Error) throw kills;
      return kills;
    },
    watch: ({ id }, onKills) => {
      watchers.set(id, onKills);
      return () => void watchers.delete(id);
    },
  };
  return {
    oom,
    watched: () => [...watchers.keys()],
    has: (count: number | Error) => {
      kills = count;
    },
    async says(count: number) {
      watchers.get('c')?.(count);
      await reactions();
    },
  };
}

const restored = (status: 'running' | 'paused', oomKills: number): Restored => ({
  adopted: [
    {
      create: create({ requestId: '' }),
      status,
      processes: [{ process: 'init', requestId: '', spec, pid: 100, startTime: '1' }],
      execs: 0,
      oomKills,
    },
  ],
  untold: [],
});

const counts = ({ notices }: PlayedSystem) => notices.flatMap(({ kills }) => kills ?? []);

describe('OOM kills in a container', () => {
  it('are told before the exit of the init that was killed', async () => {
    const { oom, has } = kernel();
    const played = await PlayedSystem.running({ oom });
    has(1);
    await played.exited();
    await played.effects.done('delete');
    expect(played.told()).toEqual(['start', 'oom', 'exit']);
    expect(counts(played)).toEqual([1]);
  });

  it('are told before the exit of an init that was killed before runc said its pid', async () => {
    const { oom, has } = kernel();
    const played = await PlayedSystem.start({ oom });
    await played.ask(create());
    has(1);
    await played.exited();
    await played.launched();
    await played.effects.done('delete');
    expect(played.told()).toEqual(['start', 'oom', 'exit']);
  });

  it('are told before the exit of the exec that was killed', async () => {
    const { oom, has } = kernel();
    const played = await PlayedSystem.running({ oom });
    await played.ask(exec());
    const pid = await played.launched('exec-1');
    has(1);
    await played.exited({ process: 'exec-1', pid });
    expect(played.told()).toEqual(['start', 'exec exec-1', 'oom', 'exit exec-1']);
  });

  it('are told while nobody ends, whatever else the container is at', async () => {
    const { oom, says } = kernel();
    const played = await PlayedSystem.running({ oom });
    await says(1);
    await played.ask(pause());
    await says(2);
    expect(played.told()).toEqual(['start', 'oom', 'oom']);
  });

  it('are told once a rise, by how many it may be', async () => {
    const { oom, says, has } = kernel();
    const played = await PlayedSystem.running({ oom });
    for (const count of [0, 1, 1, 4, 4]) await says(count);
    has(4);
    await played.exited();
    expect(played.told()).toEqual(['start', 'oom', 'oom']);
    expect(counts(played)).toEqual([1, 4]);
  });

  it('hold up no exit where they cannot be counted', async () => {
    const { oom, has } = kernel();
    const played = await PlayedSystem.running({ oom });
    has(new Error('it cannot be read'));
    await played.exited();
    await played.effects.done('delete');
    expect(played.told()).toEqual(['start', 'exit']);
    expect(played.reports).toHaveLength(1);
  });

  it('are not told, nor counted, where nobody asked for it', async () => {
    const played = await PlayedSystem.running();
    await played.exited();
    await played.effects.done('delete');
    expect(played.told()).toEqual(['start', 'exit']);
    expect(played.reports).toEqual([]);
  });
});

describe('the watch for OOM kills', () => {
  it('is kept from when init runs until it has ended', async () => {
    const { oom, watched } = kernel();
    const played = await PlayedSystem.start({ oom });
    await played.ask(create());
    expect(watched()).toEqual([]);
    await played.launched();
    expect(watched()).toEqual(['c']);
    await played.exited();
    expect(watched()).toEqual([]);
  });

  it('is none where nobody is told of OOM kills', async () => {
    const children = new Set<string>();
    const stepped: Hearer['stepped'] = (_self, _event, _before, after) => {
      for (const name of Object.keys(after.children)) children.add(name);
    };
    await PlayedSystem.running({ hearer: { born: () => {}, takes: () => {}, said: () => {}, stepped } });
    expect(children).toContain('init');
    expect(children).not.toContain(OOM_WATCH);
  });

  it.each(['running', 'paused'] as const)(
    'is begun for one of a former daemon that is %s, from where that had told',
    async (status) => {
      const { oom, watched, says } = kernel();
      const played = await PlayedSystem.start({ oom, restored: restored(status, 2) });
      expect(watched()).toEqual(['c']);
      await says(2);
      expect(played.told()).toEqual([]);
      await says(3);
      expect(played.told()).toEqual(['oom']);
      await played.exited();
      expect(watched()).toEqual([]);
    },
  );
});
