import { expect, it } from 'vitest';
import { KILL } from '../../../src/machines/messages.ts';
import { checkpoint, pause, signal } from '../../machines/fixtures/requests.ts';
import { during } from '../fixtures/held-operations.ts';
import { allRequests, answers, ok, refused, type Stages, sleeping } from '../fixtures/transition-stage.ts';
import { WatchedHost } from '../fixtures/watched-host.ts';

const ANOTHER = { name: 'two', exit: true, tcp: false, unixSockets: false, shell: false };

/** Transitions of a container that ends, by itself or for a checkpoint, and of one whose daemon does. */
export function endingIt(stages: Stages): void {
  it.each(['running', 'paused'] as const)('a checkpoint ends it while it is %s; it is restored', (from) =>
    stages.on(async (stage) => {
      const { host, id } = stage;
      if (from === 'paused') expect(await host.ask(pause({ id }))).toMatchObject(ok);
      const letExits = host.holdExits();
      expect(await host.ask(checkpoint({ id, exit: true }))).toMatchObject(ok);
      await host.comesTo(id, 'checkpointed');
      for (const it of await answers(host, allRequests(id)))
        expect(it).toMatchObject(refused('containerState'));
      const gate = await host.runtime.hold('delete');
      letExits();
      await gate.held();
      await host.comesTo(id, 'exited.deleting');
      await gate.letOn('work');
      await host.comesTo(id, 'deleted');
      const restoring = await host.runtime.hold('restore');
      const create = host.ask(await host.createOf(stage.bundle, { id, checkpoint: 'one' }));
      await restoring.held();
      await host.comesTo(id, 'created.launching.restoring');
      await restoring.letOn('work');
      expect(await create).toMatchObject(ok);
      await host.comesTo(id, 'running.steady');
      host.holdExits();
      expect(await host.ask({ ...checkpoint({ id, exit: true }), checkpoint: ANOTHER })).toMatchObject(ok);
      host.system.stop();
      await host.comesTo(id, 'checkpointed');
      letExits();
      await host.comesTo(id, 'deleted');
    }),
  );

  it('what is asked of one that has ended', () =>
    stages.on(async ({ host, id }) => {
      const gate = await host.runtime.hold('delete');
      await host.killInit(id);
      await gate.held();
      await host.comesTo(id, 'exited.deleting');
      for (const it of await answers(host, allRequests(id)))
        expect(it).toMatchObject(refused('containerExited'));
      host.system.stop();
      await host.comesTo(id, 'exited.deleting');
      await gate.letOn('work');
      await host.comesTo(id, 'deleted');
    }));

  it('it ends while an exec is being launched, and cannot be deleted', () =>
    stages.on(async ({ host, id }) => {
      const gate = await host.runtime.hold('exec');
      const run = host.ask(sleeping(id));
      await gate.held();
      await host.killInit(id);
      await host.comesTo(id, 'exited.settling');
      await host.runtime.fail('delete', 2);
      await gate.letOn('work');
      expect(await run).toMatchObject(refused('containerExited'));
      await expect.poll(() => host.reports).toEqual(['an ended container could not be deleted']);
      await host.runc('delete', '--force', id);
      await host.comesTo(id, 'deleted');
    }));

  it('it waits for the exits of its execs, and not for ever', () =>
    stages.on(async ({ host, id }) => {
      expect(await host.ask(sleeping(id))).toMatchObject(ok);
      const letExits = host.holdExits((process) => process !== 'init');
      await host.killInit(id);
      await host.comesTo(id, 'exited.draining');
      await host.comesTo(id, 'deleted');
      expect(host.reports).toEqual(['execs outlived their container']);
      letExits();
    }));

  it('a lost connection has exits told again that are known already, or of nobody any more', () =>
    stages.on(
      async (stage) => {
        const { host, id } = stage;
        const run = await host.ask(sleeping(id));
        expect(await host.ask(signal({ id, pid: run.ok ? run.pid : -1, signal: KILL }))).toMatchObject(ok);
        await expect.poll(() => host.told.map(({ type }) => type)).toEqual(['start', 'exec', 'exit']);
        const { letOn } = await during('deleting a checkpoint', stage);
        await host.killInit(id);
        await host.reconnect();
        await expect.poll(() => host.strays.map((it) => it.process)).toEqual(['exec-1']);
        await host.comesTo(id, 'running.deletingCheckpoint');
        await letOn('work');
        await host.comesTo(id, 'deleted');
      },
      { host: { keepsExits: true } },
    ));

  it('an exec that a former daemon began fails', () =>
    stages.on(async ({ host, id }) => {
      const gate = await host.runtime.hold('exec');
      void host.ask(sleeping(id));
      await gate.held();
      host.crash();
      const next = await WatchedHost.start(stages.found, { folder: host.folder });
      await next.comesTo(id, 'running.steady');
      await gate.letOn('fail');
      await expect.poll(() => next.told.map(({ type }) => type)).toContain('undone');
      await next.comesTo(id, 'running.steady');
      expect(await next.end()).toEqual([]);
    }));
}
