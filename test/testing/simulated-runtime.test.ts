import { describe, expect, it } from 'vitest';
import { KILL, type Outcome, type Request } from '../../src/machines/messages.ts';
import { type SimulatedDaemon, SimulatedRuntime } from '../../src/testing/simulated-runtime.ts';
import {
  checkpoint,
  create,
  deleteCheckpoint,
  exec,
  pause,
  resize,
  resume,
  signal,
} from '../machines/fixtures/requests.ts';

/** What the journal has, as `exit c/init 143`. */
const journalOf = ({ host }: SimulatedRuntime): string[] =>
  host.journal.map(
    ({ type, id, process, status }) => `${type} ${id}/${process}${type === 'exit' ? ` ${status}` : ''}`,
  );

/** Asks, and lets everything come to its end. */
async function ask(
  { steps }: SimulatedRuntime,
  daemon: SimulatedDaemon,
  request: Request,
): Promise<Outcome | undefined> {
  let outcome: Outcome | undefined;
  void daemon.request(request).then((it) => {
    outcome = it;
  });
  await steps.toTheEnd();
  return outcome;
}

/** A simulated host, and a daemon with a container that runs, `c`. */
async function running() {
  const runtime = new SimulatedRuntime();
  const daemon = runtime.startDaemon({ oom: true });
  await daemon.system.restored;
  expect(await ask(runtime, daemon, create())).toMatchObject({ ok: true });
  return { runtime, daemon, steps: runtime.steps, host: runtime.host };
}

/** Takes steps in order until one is next that speaks of this. */
async function until({ steps }: SimulatedRuntime, what: string): Promise<void> {
  while (![...steps.open][0]?.what.includes(what)) expect(await steps.takeAt(0)).toBe(true);
}

const done = { ok: true };
const refusedWith = (error: string) => ({ ok: false, failure: { error } });

describe('a simulated host', () => {
  it('starts a container, tells of it, and has nothing of it once its init has ended', async () => {
    const { runtime, daemon, host } = await running();
    expect(daemon.system.list()).toMatchObject([{ id: 'c', status: 'running' }]);
    expect(await ask(runtime, daemon, signal())).toMatchObject(done);
    expect(journalOf(runtime)).toEqual(['start c/init', 'exit c/init 143']);
    expect(host.left()).toEqual([]);
    expect(daemon.reports).toEqual([]);
  });

  it('ends the execs of an init that ends', async () => {
    const { runtime, daemon, host } = await running();
    expect(await ask(runtime, daemon, exec())).toMatchObject(done);
    await ask(runtime, daemon, signal());
    expect(journalOf(runtime)).toEqual([
      'start c/init',
      'exec c/exec-1',
      'exit c/exec-1 137',
      'exit c/init 143',
    ]);
    expect(host.left()).toEqual([]);
  });

  it('keeps a signal from a frozen process until it is thawed', async () => {
    const { runtime, daemon } = await running();
    expect(await ask(runtime, daemon, pause())).toMatchObject(done);
    expect(await ask(runtime, daemon, signal())).toMatchObject(done);
    expect(daemon.system.find('c')?.status).toBe('paused');
    await ask(runtime, daemon, resume());
    expect(journalOf(runtime).slice(1)).toEqual(['pause c/init', 'resume c/init', 'exit c/init 143']);
  });

  it('kills a frozen process', async () => {
    const { runtime, daemon, host } = await running();
    await ask(runtime, daemon, pause());
    expect(await ask(runtime, daemon, signal({ signal: KILL }))).toMatchObject(done);
    expect(host.left()).toEqual([]);
  });

  it('makes a checkpoint, starts from it, and deletes it', async () => {
    const { runtime, daemon } = await running();
    expect(await ask(runtime, daemon, checkpoint({ exit: true }))).toMatchObject(done);
    expect(daemon.system.list()).toEqual([]);
    expect(await ask(runtime, daemon, create({ checkpoint: 'one' }))).toMatchObject(done);
    expect(await ask(runtime, daemon, deleteCheckpoint())).toMatchObject(done);
    expect(await ask(runtime, daemon, deleteCheckpoint())).toMatchObject(refusedWith('checkpointNotFound'));
  });

  it('has no terminal to resize', async () => {
    const { runtime, daemon } = await running();
    expect(await ask(runtime, daemon, resize())).toMatchObject(refusedWith('noTerminal'));
  });

  it('kills for want of memory, and counts it', async () => {
    const { runtime, daemon, host, steps } = await running();
    await ask(runtime, daemon, exec());
    const victim = [...host.kernel.processes].find(({ process }) => process === 'exec-1');
    if (victim !== undefined) host.kernel.outOfMemory(victim);
    await steps.toTheEnd();
    expect(journalOf(runtime).slice(2)).toEqual(['oom c/init', 'exit c/exec-1 137']);
  });

  it.each([
    ['fails', 'runtimeFailed'],
    ['dies', 'runtimeFailed'],
    ['hangs', 'runtimeTimeout'],
  ] as const)('has nothing left of a start that %s', async (fault, error) => {
    const runtime = new SimulatedRuntime();
    const daemon = runtime.startDaemon();
    await daemon.system.restored;
    runtime.host.break('launch', fault);
    expect(await ask(runtime, daemon, create())).toMatchObject(refusedWith(error));
    expect(runtime.host.left()).toEqual([]);
  });

  it('takes its steps by itself, each in its own time, where they have one', async () => {
    const runtime = new SimulatedRuntime({ latencyMs: () => 5 });
    const daemon = runtime.startDaemon();
    await runtime.steps.pass(5);
    let answered = false;
    void daemon.request(create()).then(() => {
      answered = true;
    });
    for (let ms = 0; ms < 14; ms += 1) await runtime.steps.pass(1);
    expect(answered).toBe(false);
    await runtime.steps.pass(1);
    await runtime.steps.pass(1);
    expect(answered).toBe(true);
  });

  it('starts a container whose id was that of one whose exit is told, and not in the journal yet', async () => {
    const { runtime, daemon, steps } = await running();
    void daemon.request(signal());
    while (daemon.told.at(-1)?.type !== 'exit') expect(await steps.takeAt(0)).toBe(true);
    expect(journalOf(runtime)).toEqual(['start c/init']);
    const again = daemon.request(create());
    // The journal last.
    while (steps.open.size > 0) {
      const at = [...steps.open].findIndex(({ what }) => !what.includes('journal'));
      await steps.takeAt(Math.max(at, 0));
    }
    await steps.toTheEnd();
    expect(await again).toMatchObject(done);
    expect(journalOf(runtime)).toEqual(['start c/init', 'exit c/init 143', 'start c/init']);
  });
});

describe('a simulated host whose daemon is killed', () => {
  it('goes on with a start that is under way, and the next daemon tells of it', async () => {
    const runtime = new SimulatedRuntime();
    const first = runtime.startDaemon();
    await first.system.restored;
    void first.request(create());
    await until(runtime, 'runc begins to start');
    runtime.killDaemon();
    const next = runtime.startDaemon();
    await runtime.steps.toTheEnd();
    expect(next.system.list()).toMatchObject([{ id: 'c', status: 'running' }]);
    expect(journalOf(runtime)).toEqual(['start c/init']);
  });

  it('keeps an exit for the next one', async () => {
    const { runtime, host, steps } = await running();
    runtime.killDaemon();
    for (const process of host.kernel.processes) host.kernel.signal(process, KILL);
    await steps.toTheEnd();
    expect(journalOf(runtime)).toEqual(['start c/init']);
    runtime.startDaemon();
    await steps.toTheEnd();
    expect(journalOf(runtime)).toEqual(['start c/init', 'exit c/init 137']);
    expect(host.left()).toEqual([]);
  });

  it('has a paused container still', async () => {
    const { runtime, daemon } = await running();
    await ask(runtime, daemon, pause());
    runtime.killDaemon();
    const next = runtime.startDaemon();
    await runtime.steps.toTheEnd();
    expect(next.system.list()).toMatchObject([{ id: 'c', status: 'paused' }]);
  });
});

describe('a simulated host whose shim is killed', () => {
  it('leaves its processes to be watched and signalled', async () => {
    const { runtime, daemon, host } = await running();
    runtime.killShim();
    expect(await ask(runtime, daemon, signal())).toMatchObject(done);
    expect(journalOf(runtime)).toEqual(['start c/init', 'exit c/init 255']);
    expect(host.left()).toEqual([]);
  });

  it('has nothing left of a start that was under way', async () => {
    const runtime = new SimulatedRuntime();
    const daemon = runtime.startDaemon();
    await daemon.system.restored;
    const outcome = daemon.request(create());
    await until(runtime, 'runc has started');
    runtime.killShim();
    await runtime.steps.toTheEnd();
    expect(await outcome).toMatchObject(refusedWith('shimLost'));
    expect(runtime.host.left()).toEqual([]);
  });
});
