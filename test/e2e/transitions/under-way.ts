import { expect, it } from 'vitest';
import { KILL } from '../../../src/machines/messages.ts';
import { checkpoint, deleteCheckpoint, signal, update } from '../../machines/fixtures/requests.ts';
import { during, FROZEN, fill, OPERATIONS, THAWING } from '../fixtures/held-operations.ts';
import { answers, failed, MOST, ok, refused, type Stages, sleeping } from '../fixtures/transition-stage.ts';
import { until } from '../fixtures/until.ts';

/** A pid that nobody has. */
const STRANGER = 4_194_305;

/** Transitions of a container while it does something that takes its time. */
export function whatIsUnderWay(stages: Stages): void {
  it.each(Object.keys(OPERATIONS))('%s does its work', (name) =>
    stages.on(async (stage) => {
      const { host, id } = stage;
      if (name.startsWith('deleting')) await host.ask(checkpoint({ id }));
      const { answer, letOn, to } = await during(name, stage);
      await letOn('work');
      if (answer !== undefined) expect(await answer).toMatchObject(ok);
      await host.comesTo(id, name === 'thawing' ? 'deleted' : to);
    }),
  );

  it.each(Object.keys(OPERATIONS))('%s fails', (name) =>
    stages.on(async (stage) => {
      const { host, id } = stage;
      const { answer, letOn } = await during(name, stage);
      // A runc that does not thaw is no failure while the freezer is found by what runc has written down.
      const show = THAWING.includes(name) ? await host.hideState(id) : async () => {};
      await letOn('fail');
      if (answer !== undefined)
        expect(await answer).toMatchObject(
          name.startsWith('deleting')
            ? refused('checkpointNotFound')
            : // Of a container that runc says nothing of any more, that is all that is known.
              name === 'resuming'
              ? refused('containerExited')
              : failed,
        );
      else await until(() => host.reports.length > 0, 10_000);
      await show();
      await host.comesTo(id, `${OPERATIONS[name]?.from}.steady`);
    }),
  );

  it.each(Object.keys(OPERATIONS))('%s holds back the exit of an init that ends meanwhile', (name) =>
    stages.on(async (stage) => {
      const { host, id } = stage;
      const { letOn } = await during(name, stage);
      await host.killInit(id);
      await host.comesTo(id, OPERATIONS[name]?.state ?? '', ({ context }) => context.exit !== null);
      if (['checkpointing', 'pausing', 'resuming'].includes(name)) host.system.stop();
      await host.comesTo(id, OPERATIONS[name]?.state ?? '');
      if (!THAWING.includes(name)) {
        await letOn('fail');
      } else {
        const show = await host.hideState(id);
        const deletion = await host.runtime.hold('delete');
        await letOn('fail');
        await deletion.held();
        await show();
        await host.comesTo(id, 'exited.deleting');
        await deletion.letOn('work');
      }
      await host.comesTo(id, 'deleted');
    }),
  );

  it('killing holds back no signal', () =>
    stages.on(async (stage) => {
      const { host, id } = stage;
      const { letOn } = await during('killing', stage);
      const others = await answers(host, [signal({ id, signal: 17 }), signal({ id, pid: STRANGER })]);
      expect(others).toMatchObject([ok, refused('processNotFound')]);
      await letOn('work');
      await host.comesTo(id, 'deleted');
    }));

  it('killing is done where it was thawed by somebody else, and has died of it', () =>
    stages.on(async (stage) => {
      const { host, id } = stage;
      const { answer, letOn } = await during('killing', stage);
      await host.killInit(id);
      const gate = await host.runtime.hold('delete');
      await letOn('work');
      expect(await answer).toMatchObject(ok);
      await gate.held();
      await host.comesTo(id, 'exited.deleting');
      await gate.letOn('work');
      await host.comesTo(id, 'deleted');
    }));

  it.each(FROZEN)('%s holds back the KILL of init, no other signal, and so much at most', (name) =>
    stages.on(async (stage) => {
      const { host, id } = stage;
      const { letOn } = await during(name, stage);
      const others = await answers(host, [signal({ id, signal: 17 }), signal({ id, pid: STRANGER })]);
      expect(others).toMatchObject([ok, refused('processNotFound')]);
      const fills = name !== 'thawing';
      const kills = Array.from({ length: fills ? 1 : MOST + 1 }, () =>
        host.ask(signal({ id, signal: KILL })),
      );
      const filling = fills ? fill(stage) : [];
      await host.comesTo(id, OPERATIONS[name]?.state ?? '', ({ context }) => context.pending.length >= MOST);
      expect(await host.ask(signal({ id, signal: KILL }))).toMatchObject(refused('tooManyRequests'));
      await letOn('work');
      await Promise.all([...kills, ...filling]);
      await host.comesTo(id, 'deleted');
    }),
  );

  it.each(['checkpointing', 'checkpointing while it is paused'])('%s holds back the rest', (name) =>
    stages.on(async (stage) => {
      const { host, id } = stage;
      const { letOn, answer } = await during(name, stage);
      const given = sleeping(id);
      const given2 = host.ask(given);
      host.system.cancel(id, given.requestId);
      expect(await given2).toMatchObject(refused('cancelled'));
      const waiting = answers(host, [
        update({ id }),
        checkpoint({ id }),
        deleteCheckpoint({ id }),
        sleeping(id),
      ]);
      const filling = fill(stage);
      const more = await answers(host, [
        update({ id }),
        checkpoint({ id }),
        deleteCheckpoint({ id }),
        sleeping(id),
      ]);
      for (const it of more) expect(it).toMatchObject(refused('tooManyRequests'));
      await letOn('fail');
      expect(await answer).toMatchObject(failed);
      await Promise.all([waiting, ...filling]);
    }),
  );
}
