import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MACHINES } from '../../src/charts/charts.ts';
import { type CreateRequest, KILL, type Outcome, TERM } from '../../src/machines/messages.ts';
import { Coverage, printCoverage } from '../../src/testing/coverage.ts';
import {
  checkpoint,
  deleteCheckpoint,
  exec,
  pause,
  resize,
  resume,
  signal,
  spec,
  update,
} from '../machines/fixtures/requests.ts';
import { type BundleOptions, type Bundles, makeBundles } from './fixtures/bundle.ts';
import type { Verb } from './fixtures/gated-runtime.ts';
import { until } from './fixtures/until.ts';
import { type HostOptions, WatchedHost } from './fixtures/watched-host.ts';

/** Transitions that no real machine takes, by their ids, and why: there are none. */
const UNREACHABLE: Record<string, string> = {};

/** As many as may wait, or be processes of one container (container-actions.ts). */
const MOST = 1024;
const STRANGER = 4_194_305;
const USR1 = 10;

const coverage = new Coverage(MACHINES.container);
let bundles: Bundles;
let made = 0;
beforeAll(async () => {
  bundles = await makeBundles();
});
afterAll(() => bundles.remove());

type Stage = { host: WatchedHost; id: string; bundle: string };
const ok = { ok: true };
const refused = (error: string) => ({ ok: false, failure: { error } });
const failed = refused('runtimeFailed');
/** Ends of TERM, as an init that has no handler for it does not. */
const ANOTHER = { name: 'two', exit: true, tcp: false, unixSockets: false, shell: false };
const LOYAL = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.05; done'];

/** A daemon, and a container that is asked for unless said otherwise; in the end nothing is left of it. */
async function on(
  play: (stage: Stage) => Promise<void>,
  {
    starts = true,
    host: hostOptions,
    ...options
  }: BundleOptions & { starts?: boolean; host?: HostOptions } = {},
): Promise<void> {
  made += 1;
  const id = `transitions-${process.pid}-${made}`;
  const bundle = await bundles.make(id, { args: LOYAL, ...options });
  const host = await WatchedHost.start(coverage.inspect, hostOptions);
  try {
    if (starts) await begin({ host, id, bundle });
    await play({ host, id, bundle });
  } finally {
    expect(await host.end()).toEqual([]);
  }
}

async function begin({ host, id, bundle }: Stage, of: Partial<CreateRequest> = {}): Promise<void> {
  expect(await host.ask(await host.createOf(bundle, { id, ...of }))).toMatchObject(ok);
  await host.comesTo(id, 'running.steady');
}

const sleeping = (id: string) => exec({ id, spec: { ...spec, args: ['/bin/sleep', '1000'] } });
const allRequests = (id: string) => [
  update({ id }),
  signal({ id }),
  sleeping(id),
  resize({ id }),
  checkpoint({ id }),
  deleteCheckpoint({ id }),
];
const answers = (host: WatchedHost, requests: Parameters<WatchedHost['ask']>[0][]): Promise<Outcome[]> =>
  Promise.all(requests.map((request) => host.ask(request)));

/** Operations that hold a container up, how they begin, and where they are held. */
type Held = {
  from: 'running' | 'paused';
  state: string;
  ask: (stage: Stage) => Promise<unknown> | undefined;
  hold: (stage: Stage) => Promise<{ held(): Promise<void>; letOn(how: 'work' | 'fail'): Promise<void> }>;
  /** Where it leads when its work is done. */
  to: string;
};
const atRuntime =
  (verb: Verb): Held['hold'] =>
  ({ host }) =>
    host.runtime.hold(verb);
const atDeletion: Held['hold'] = async ({ host, id }) => {
  const letOn = host.holdDeletion();
  return { held: () => host.comesTo(id, host.stateOf(id)), letOn: async () => letOn() };
};
const asking =
  (request: (of: { id: string }) => Parameters<WatchedHost['ask']>[0]): Held['ask'] =>
  ({ host, id }) =>
    host.ask(request({ id }));
const stopping: Held['ask'] = ({ host }) => {
  host.system.stop();
  return undefined;
};
const OPERATIONS: Record<string, Held> = {
  pausing: {
    from: 'running',
    state: 'running.pausing',
    ask: asking(pause),
    hold: atRuntime('pause'),
    to: 'paused.steady',
  },
  checkpointing: {
    from: 'running',
    state: 'running.checkpointing',
    ask: asking(checkpoint),
    hold: atRuntime('checkpoint'),
    to: 'running.steady',
  },
  'deleting a checkpoint': {
    from: 'running',
    state: 'running.deletingCheckpoint',
    ask: asking(deleteCheckpoint),
    hold: atDeletion,
    to: 'running.steady',
  },
  resuming: {
    from: 'paused',
    state: 'paused.resuming',
    ask: asking(resume),
    hold: atRuntime('resume'),
    to: 'running.steady',
  },
  thawing: {
    from: 'paused',
    state: 'paused.thawing',
    ask: stopping,
    hold: atRuntime('resume'),
    to: 'running.steady',
  },
  killing: {
    from: 'paused',
    state: 'paused.killing',
    ask: asking((of) => signal({ ...of, signal: KILL })),
    hold: atRuntime('resume'),
    to: 'deleted',
  },
  'checkpointing while it is paused': {
    from: 'paused',
    state: 'paused.checkpointing',
    ask: asking(checkpoint),
    hold: atRuntime('checkpoint'),
    to: 'paused.steady',
  },
  'deleting a checkpoint while it is paused': {
    from: 'paused',
    state: 'paused.deletingCheckpoint',
    ask: asking(deleteCheckpoint),
    hold: atDeletion,
    to: 'paused.steady',
  },
};
const THAWING = ['resuming', 'thawing', 'killing'];
const FROZEN = Object.keys(OPERATIONS).filter(
  (name) => name === 'pausing' || (OPERATIONS[name]?.from === 'paused' && name !== 'killing'),
);

async function during(name: string, stage: Stage) {
  const { host, id } = stage;
  const operation = OPERATIONS[name];
  if (operation === undefined) throw new Error(`there is no ${name}`);
  if (operation.from === 'paused') {
    expect(await host.ask(pause({ id }))).toMatchObject(ok);
    await host.comesTo(id, 'paused.steady');
  }
  const { held, letOn } = await operation.hold(stage);
  const answer = operation.ask(stage);
  await held();
  await host.comesTo(id, operation.state);
  return { answer, letOn, to: operation.to };
}

/** So many requests wait that no more may; they ask for nothing. */
const fill = ({ host, id }: Stage): Promise<Outcome>[] =>
  Array.from({ length: MOST }, () => host.ask(update({ id })));

describe.sequential('each transition of a container, with the kernel as its witness', () => {
  it('it waits for a slot, and is given up or ended there', () =>
    on(
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
        await gate.letOn('work');
        expect(await first).toMatchObject(ok);
        // Told by TERM before it could have a handler for it.
        host.system.stop();
        await host.comesTo(id, 'deleted');
      },
      { starts: false, host: { concurrency: 1 } },
    ));

  it.each(['works', 'fails', 'ends'] as const)('a start fails; undoing it %s', (how) =>
    on(
      async ({ host, id, bundle }) => {
        await host.runtime.fail('run');
        const gate = await host.runtime.hold('delete');
        if (how === 'fails') await host.runtime.fail('delete', 1);
        const create = host.ask(await host.createOf(bundle, { id }));
        await gate.held();
        await host.comesTo(id, 'created.undoing');
        if (how === 'ends') host.system.stop();
        await gate.letOn(how === 'fails' ? 'fail' : 'work');
        expect(await create).toMatchObject(failed);
        await host.comesTo(id, 'deleted');
        if (how === 'fails') expect(host.reports).toEqual(['a failed start could not be undone']);
      },
      { starts: false },
    ),
  );

  it('what is asked while it runs', () =>
    on(async ({ host, id }) => {
      const asked = await answers(host, [
        signal({ id, signal: USR1 + 7 }),
        signal({ id, pid: STRANGER }),
        resize({ id }),
        resize({ id, pid: STRANGER }),
        update({ id, signal: 17 }),
        update({ id }),
        sleeping(id),
      ]);
      expect(asked.map((it) => (it.ok ? 'ok' : it.failure.error))).toEqual([
        'ok',
        'processNotFound',
        'noTerminal',
        'processNotFound',
        'ok',
        'ok',
        'ok',
      ]);
      const run = asked[6];
      await host.comesTo(id, 'running.steady');
      expect(await host.ask(signal({ id, pid: run?.ok ? run.pid : -1, signal: KILL }))).toMatchObject(ok);
      await expect.poll(() => host.told.map(({ type }) => type)).toEqual(['start', 'exec', 'exit']);
      await host.runtime.fail('exec');
      expect(await host.ask(sleeping(id))).toMatchObject(failed);
      await host.comesTo(id, 'running.steady');
      expect(await host.ask(signal({ id, signal: TERM }))).toMatchObject(ok);
      await host.comesTo(id, 'deleted');
    }));

  it.each([
    ['pause', pause],
    ['checkpoint', checkpoint],
  ] as const)('a %s waits for an exec that is being launched', (verb, request) =>
    on(async ({ host, id }) => {
      const gate = await host.runtime.hold('exec');
      const run = host.ask(sleeping(id));
      await gate.held();
      const operation = host.ask(request({ id }));
      await host.comesTo(id, 'running.settling');
      await gate.letOn('work');
      expect(await run).toMatchObject(ok);
      expect(await operation).toMatchObject(ok);
      await host.comesTo(id, verb === 'pause' ? 'paused.steady' : 'running.steady');
    }),
  );

  it('no more than so many processes are let into it', () =>
    on(async ({ host, id }) => {
      // None of them comes to run, as there is no such file.
      const stdio = { stdin: '/nowhere', stdout: '', stderr: '', console: '' };
      const execs = Array.from({ length: MOST - 1 }, () => host.ask({ ...sleeping(id), stdio }));
      expect(await host.ask(sleeping(id))).toMatchObject(refused('tooManyProcesses'));
      for (const it of await Promise.all(execs)) expect(it).toMatchObject(refused('stdioNotFound'));
      await host.comesTo(id, 'running.steady');
    }));

  it('what is asked while it is paused', () =>
    on(async ({ host, id }) => {
      expect(await host.ask(pause({ id }))).toMatchObject(ok);
      await host.comesTo(id, 'paused.steady');
      const asked = await answers(host, [
        sleeping(id),
        signal({ id, signal: 17 }),
        signal({ id, pid: STRANGER }),
        update({ id, signal: 17 }),
        update({ id, status: 'paused' }),
        resize({ id }),
        resize({ id, pid: STRANGER }),
      ]);
      expect(asked.map((it) => (it.ok ? 'ok' : it.failure.error))).toEqual([
        'containerState',
        'ok',
        'processNotFound',
        'ok',
        'ok',
        'noTerminal',
        'processNotFound',
      ]);
      await host.comesTo(id, 'paused.steady');
      expect(await host.ask(update({ id, signal: KILL }))).toMatchObject(ok);
      await host.comesTo(id, 'deleted');
    }));

  it('it is paused and resumed with a signal', () =>
    on(async ({ host, id }) => {
      expect(await host.ask(pause({ id, signal: 17 }))).toMatchObject(ok);
      await host.comesTo(id, 'paused.steady');
      expect(await host.ask(resume({ id, signal: 17 }))).toMatchObject(ok);
      await host.comesTo(id, 'running.steady');
      expect(await host.ask(pause({ id }))).toMatchObject(ok);
      await host.killInit(id);
      await host.comesTo(id, 'deleted');
    }));

  it.each(Object.keys(OPERATIONS))('%s does its work', (name) =>
    on(async (stage) => {
      const { host, id } = stage;
      if (name.startsWith('deleting')) await host.ask(checkpoint({ id }));
      const { answer, letOn, to } = await during(name, stage);
      await letOn('work');
      if (answer !== undefined) expect(await answer).toMatchObject(ok);
      await host.comesTo(id, name === 'thawing' ? 'deleted' : to);
    }),
  );

  it.each(Object.keys(OPERATIONS))('%s fails', (name) =>
    on(async (stage) => {
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
    on(async (stage) => {
      const { host, id } = stage;
      const { letOn } = await during(name, stage);
      await host.killInit(id);
      await host.comesTo(id, OPERATIONS[name]?.state ?? '', ({ context }) => context.exit !== null);
      if (name === 'checkpointing' || name === 'pausing') host.system.stop();
      if (!THAWING.includes(name)) {
        await letOn('fail');
      } else {
        const show = await host.hideState(id);
        const deletion = await host.runtime.hold('delete');
        await letOn('fail');
        await deletion.held();
        await show();
        await deletion.letOn('work');
      }
      await host.comesTo(id, 'deleted');
    }),
  );

  it('one that has the name of another that was left alone is refused, and undoes nothing', () =>
    on(
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

  it('killing holds back no signal', () =>
    on(async (stage) => {
      const { host, id } = stage;
      const { letOn } = await during('killing', stage);
      const others = await answers(host, [signal({ id, signal: 17 }), signal({ id, pid: STRANGER })]);
      expect(others).toMatchObject([ok, refused('processNotFound')]);
      await letOn('work');
      await host.comesTo(id, 'deleted');
    }));

  it.each(FROZEN)('%s holds back the KILL of init, no other signal, and so much at most', (name) =>
    on(async (stage) => {
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
    on(async (stage) => {
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

  it.each(['running', 'paused'] as const)('a checkpoint ends it while it is %s; it is restored', (from) =>
    on(async (stage) => {
      const { host, id } = stage;
      if (from === 'paused') expect(await host.ask(pause({ id }))).toMatchObject(ok);
      const letExits = host.holdExits();
      expect(await host.ask(checkpoint({ id, exit: true }))).toMatchObject(ok);
      await host.comesTo(id, 'checkpointed');
      for (const it of await answers(host, allRequests(id)))
        expect(it).toMatchObject(refused('containerState'));
      letExits();
      await host.comesTo(id, 'deleted');
      await begin(stage, { checkpoint: 'one' });
      host.holdExits();
      expect(await host.ask({ ...checkpoint({ id, exit: true }), checkpoint: ANOTHER })).toMatchObject(ok);
      host.system.stop();
      await host.comesTo(id, 'checkpointed');
      letExits();
      await host.comesTo(id, 'deleted');
    }),
  );

  it('what is asked of one that has ended', () =>
    on(async ({ host, id }) => {
      const gate = await host.runtime.hold('delete');
      await host.killInit(id);
      await gate.held();
      await host.comesTo(id, 'exited.deleting');
      for (const it of await answers(host, allRequests(id)))
        expect(it).toMatchObject(refused('containerExited'));
      host.system.stop();
      await gate.letOn('work');
      await host.comesTo(id, 'deleted');
    }));

  it('it ends while an exec is being launched, and cannot be deleted', () =>
    on(async ({ host, id }) => {
      const gate = await host.runtime.hold('exec');
      const run = host.ask(sleeping(id));
      await gate.held();
      await host.killInit(id);
      await host.comesTo(id, 'exited.settling');
      await host.runtime.fail('delete', 2);
      await gate.letOn('work');
      expect(await run).toMatchObject(refused('containerExited'));
      await expect.poll(() => host.reports).toEqual(['an ended container could not be deleted']);
      await host.deleteByForce(id);
      await host.comesTo(id, 'deleted');
    }));

  it('it waits for the exits of its execs, and not for ever', () =>
    on(async ({ host, id }) => {
      expect(await host.ask(sleeping(id))).toMatchObject(ok);
      const letExits = host.holdExits((process) => process !== 'init');
      await host.killInit(id);
      await host.comesTo(id, 'exited.draining');
      await host.comesTo(id, 'deleted');
      expect(host.reports).toEqual(['execs outlived their container']);
      letExits();
    }));

  it('a lost connection has exits told again that are known already, or of nobody any more', () =>
    on(
      async (stage) => {
        const { host, id } = stage;
        const run = await host.ask(sleeping(id));
        expect(await host.ask(signal({ id, pid: run.ok ? run.pid : -1, signal: KILL }))).toMatchObject(ok);
        await expect.poll(() => host.told.map(({ type }) => type)).toEqual(['start', 'exec', 'exit']);
        const { letOn } = await during('deleting a checkpoint', stage);
        await host.killInit(id);
        await host.reconnect();
        await expect.poll(() => host.strays.map((it) => it.process)).toEqual(['exec-1']);
        await letOn('work');
        await host.comesTo(id, 'deleted');
      },
      { host: { keepsExits: true } },
    ));

  it('an exec that a former daemon began fails', () =>
    on(async ({ host, id }) => {
      const gate = await host.runtime.hold('exec');
      void host.ask(sleeping(id));
      await gate.held();
      host.crash();
      const next = await WatchedHost.start(coverage.inspect, { folder: host.folder });
      await next.comesTo(id, 'running.steady');
      await gate.letOn('fail');
      await expect.poll(() => next.told.map(({ type }) => type)).toContain('undone');
      expect(await next.end()).toEqual([]);
    }));

  it('the kernel kills in it for want of memory', () =>
    on(
      async ({ host, id }) => {
        const hungry = { ...spec, args: ['/bin/tail', '/dev/zero'] };
        expect(await host.ask(exec({ id, spec: hungry }))).toMatchObject(ok);
        await expect.poll(() => host.told.map(({ type }) => type)).toEqual(['start', 'exec', 'oom', 'exit']);
        await host.comesTo(id, 'running.steady');
      },
      { memoryLimitBytes: 16 * 1024 * 1024 },
    ));

  it('leaves none out', () => {
    const report = coverage.report();
    process.stdout.write(printCoverage(report));
    expect(report.transitions.missing).toEqual(Object.keys(UNREACHABLE));
  });
});
