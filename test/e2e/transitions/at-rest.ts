import { expect, it } from 'vitest';
import { KILL, TERM } from '../../../src/machines/messages.ts';
import {
  checkpoint,
  exec,
  pause,
  resize,
  resume,
  signal,
  spec,
  update,
} from '../../machines/fixtures/requests.ts';
import { answers, failed, MOST, ok, refused, type Stages, sleeping } from '../fixtures/transition-stage.ts';

/** Outlives every signal but KILL. */
const STUBBORN = ['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done'];
/** A pid that nobody has. */
const STRANGER = 4_194_305;
const USR1 = 10;

/** Transitions of a container that runs or is paused, and is asked for something. */
export function askingIt(stages: Stages): void {
  it('what is asked while it runs', () =>
    stages.on(async ({ host, id }) => {
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
    stages.on(async ({ host, id }) => {
      const gate = await host.runtime.hold('exec');
      const run = host.ask(sleeping(id));
      await gate.held();
      const next = await host.runtime.hold(verb);
      const operation = host.ask(request({ id }));
      await host.comesTo(id, 'running.settling');
      await gate.letOn('work');
      expect(await run).toMatchObject(ok);
      await next.held();
      await host.comesTo(id, verb === 'pause' ? 'running.pausing' : 'running.checkpointing');
      await next.letOn('work');
      expect(await operation).toMatchObject(ok);
      await host.comesTo(id, verb === 'pause' ? 'paused.steady' : 'running.steady');
    }),
  );

  it('no more than so many processes are let into it', () =>
    stages.on(async ({ host, id }) => {
      // None of them comes to run, as there is no such file.
      const stdio = { stdin: '/nowhere', stdout: '', stderr: '', console: '' };
      const execs = Array.from({ length: MOST - 1 }, () => host.ask({ ...sleeping(id), stdio }));
      expect(await host.ask(sleeping(id))).toMatchObject(refused('tooManyProcesses'));
      for (const it of await Promise.all(execs)) expect(it).toMatchObject(refused('stdioNotFound'));
      await host.comesTo(id, 'running.steady');
    }));

  it('what is asked while it is paused', () =>
    stages.on(async ({ host, id }) => {
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
      const gate = await host.runtime.hold('resume');
      const kill = host.ask(update({ id, signal: KILL }));
      await gate.held();
      await host.comesTo(id, 'paused.killing');
      await gate.letOn('work');
      expect(await kill).toMatchObject(ok);
      await host.comesTo(id, 'deleted');
    }));

  it('it is paused and resumed with a signal', () =>
    stages.on(async ({ host, id }) => {
      expect(await host.ask(pause({ id, signal: 17 }))).toMatchObject(ok);
      await host.comesTo(id, 'paused.steady');
      expect(await host.ask(resume({ id, signal: 17 }))).toMatchObject(ok);
      await host.comesTo(id, 'running.steady');
      expect(await host.ask(pause({ id }))).toMatchObject(ok);
      const gate = await host.runtime.hold('delete');
      await host.killInit(id);
      await gate.held();
      await host.comesTo(id, 'exited.deleting');
      await gate.letOn('work');
      await host.comesTo(id, 'deleted');
    }));

  it('it is told to end, and thawed for that; it does not heed it', () =>
    stages.on(
      async ({ host, id }) => {
        expect(await host.ask(pause({ id }))).toMatchObject(ok);
        host.system.stop();
        await host.comesTo(id, 'running.steady');
      },
      { args: STUBBORN },
    ));

  it('it is told to end while it runs; it does not heed it', () =>
    stages.on(
      async ({ host, id }) => {
        host.system.stop();
        await host.comesTo(id, 'running.steady');
      },
      { args: STUBBORN },
    ));

  it('the kernel kills in it for want of memory', () =>
    stages.on(
      async ({ host, id }) => {
        const hungry = { ...spec, args: ['/bin/tail', '/dev/zero'] };
        expect(await host.ask(exec({ id, spec: hungry }))).toMatchObject(ok);
        await expect.poll(() => host.told.map(({ type }) => type)).toEqual(['start', 'exec', 'oom', 'exit']);
        await host.comesTo(id, 'running.steady');
      },
      { memoryLimitBytes: 16 * 1024 * 1024 },
    ));
}
