import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';

import { allRequests, answers, failed, ok, refused, type Stages } from '../fixtures/transition-stage.ts';

/** Transitions of a container that is being started. */
export function startingIt(stages: Stages): void {
  it('it waits for a slot, and is given up or ended there', () =>
    stages.on(
      async (stage) => {
        const { host, id, bundle } = stage;
        const gate = await host.runtime.hold('run');
        const begun = await host.createOf(bundle, { id });
        const first = host.ask(begun);
        await gate.held();
        // What is under way is carried out.
        host.system.cancel(id, begun.requestId);
        await host.comesTo(id, 'created.launching.starting');
        for (const it of await answers(host, allRequests(id)))
          expect(it).toMatchObject(refused('containerState'));
        const [given, ended] = [`${id}-given`, `${id}-ended`];
        const create = await host.createOf(bundle, { id: given });
        const second = host.ask(create);
        host.system.cancel(given, create.requestId);
        expect(await second).toMatchObject(refused('cancelled'));
        await host.comesTo(given, 'deleted');
        const third = host.ask(await host.createOf(bundle, { id: ended }));
        host.system.stop();
        expect(await third).toMatchObject(refused('supervisorStopped'));
        await host.comesTo(ended, 'deleted');
        await host.comesTo(id, 'created.launching.starting');
        await gate.letOn('work');
        expect(await first).toMatchObject(ok);
        // Told by TERM before it could have a handler for it.
        host.system.stop();
        await host.comesTo(id, 'deleted');
      },
      { starts: false, host: { concurrency: 1 } },
    ));

  it.each(['works', 'fails', 'ends'] as const)('a start fails; undoing it %s', (how) =>
    stages.on(
      async ({ host, id, bundle }) => {
        await host.runtime.fail('run');
        const gate = await host.runtime.hold('delete');
        if (how === 'fails') await host.runtime.fail('delete', 1);
        const create = host.ask(await host.createOf(bundle, { id }));
        await gate.held();
        await host.comesTo(id, 'created.undoing');
        if (how === 'ends') host.system.stop();
        await host.comesTo(id, 'created.undoing');
        await gate.letOn(how === 'fails' ? 'fail' : 'work');
        expect(await create).toMatchObject(failed);
        await host.comesTo(id, 'deleted');
        if (how === 'fails') expect(host.reports).toEqual(['a failed start could not be undone']);
      },
      { starts: false },
    ),
  );

  it('one that has the name of another that was left alone is refused, and undoes nothing', () =>
    stages.on(
      async ({ host, id, bundle }) => {
        const folder = host.stateDir.container(id);
        await mkdir(folder);
        await writeFile(path.join(folder, 'container.json'), '{"version":2,"create":{}}');
        expect(await host.ask(await host.createOf(bundle, { id }))).toMatchObject(refused('containerExists'));
        await host.comesTo(id, 'deleted');
        expect(await readdir(folder)).toEqual(['container.json']);
        await rm(folder, { recursive: true });
      },
      { starts: false },
    ));
}
