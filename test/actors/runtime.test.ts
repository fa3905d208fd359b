import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDelete, createKillFrozen, createPause, createResume } from '../../src/actors/runtime.ts';
import { makeStateDir, type StateDir, stateDirAt } from '../../src/actors/state-dir.ts';
import { here } from '../../src/errands/errands.ts';
import { failureOf } from '../../src/errors.ts';
import { processStat } from '../../src/linux/process-stat.ts';
import { type Runc, RuncTrouble } from '../../src/runc/runc.ts';
import type { ShimClient } from '../../src/shim/client.ts';

let root: string;
let stateDir: StateDir;
let ran: string[];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'runtime-'));
  stateDir = stateDirAt(root);
  await makeStateDir(stateDir);
  mkdirSync(join(stateDir.container('box'), 'criu'), { recursive: true });
  ran = [];
});
afterEach(() => rmSync(root, { recursive: true }));

const says = (msg: string) => ({ exitStatus: 1, output: JSON.stringify({ level: 'error', msg }) });
const DONE = { exitStatus: 0, output: '' };
const TOO_LONG = new RuncTrouble('runc was killed after 30000 ms', { timedOut: true });

/** A runc that ends in these ways, one after the other. */
function runc(...endings: ({ exitStatus: number; output: string } | Error)[]): Runc {
  return {
    command: 'runc',
    root: stateDir.runc,
    timeoutMs: 1_000,
    async run({ container, argv }) {
      expect(container).toBe('box');
      ran.push(argv.slice(argv.indexOf('json') + 1).join(' '));
      const ending = endings.shift();
      if (ending === undefined) throw new Error('runc is run too often');
      if (ending instanceof Error) throw ending;
      return ending;
    },
  };
}

/** An init that lives, by what runc wrote down of it. */
function initLives(): void {
  mkdirSync(join(stateDir.runc, 'box'));
  const { startTime } = processStat(process.pid) ?? {};
  const state = { init_process_pid: process.pid, init_process_start: Number(startTime) };
  writeFileSync(join(stateDir.runc, 'box/state.json'), JSON.stringify(state));
}

const outcome = (promise: Promise<void>): Promise<string> =>
  promise.then(
    () => 'done',
    (thrown) => `${failureOf(thrown).error}: ${failureOf(thrown).message}`,
  );

describe.each([
  ['pause', createPause],
  ['resume', createResume],
])('to %s', (verb, make) => {
  it('is one call of runc', async () => {
    expect(await outcome(make(runc(DONE))({ id: 'box' }))).toBe('done');
    expect(ran).toEqual([`${verb} -- box`]);
  });

  it('that fails says why, while the container lives', async () => {
    initLives();
    expect(await outcome(make(runc(says('no')))({ id: 'box' }))).toBe('runtimeFailed: containerd: no');
  });

  it('a container that has ended meanwhile says so', async () => {
    expect(await outcome(make(runc(says('no')))({ id: 'box' }))).toMatch(/^containerExited/);
  });

  it('that takes too long says so', async () => {
    expect(await outcome(make(runc(TOO_LONG))({ id: 'box' }))).toBe(
      `runtimeTimeout: containerd: runtime took too long: ${verb}`,
    );
  });
});

/** A freezer of cgroup v1, as runc wrote down where it is. */
function freezerIs(state: string): () => string {
  const { startTime } = processStat(process.pid) ?? {};
  const initState = { init_process_pid: process.pid, init_process_start: Number(startTime) };
  mkdirSync(join(stateDir.runc, 'box'));
  const text = JSON.stringify({ ...initState, cgroup_paths: { freezer: root } });
  writeFileSync(join(stateDir.runc, 'box/state.json'), text);
  const file = join(root, 'freezer.state');
  writeFileSync(file, state);
  return () => readFileSync(file, 'utf8');
}

describe('a runc that is not to be believed', () => {
  it.each([
    ['hung', TOO_LONG],
    ['failed', says('no')],
  ])('has paused a container where the freezer says so, though it %s', async (_, ending) => {
    freezerIs('FROZEN\n');
    expect(await outcome(createPause(runc(ending))({ id: 'box' }))).toBe('done');
  });

  it('has not paused a container of which the freezer says so', async () => {
    freezerIs('THAWED\n');
    expect(await outcome(createPause(runc(DONE))({ id: 'box' }))).toBe(
      'runtimeFailed: containerd: runc pause ended with status 0 and has not paused it',
    );
  });

  it('does not leave a container half frozen', async () => {
    const freezer = freezerIs('FREEZING\n');
    expect(await outcome(createPause(runc(says('no'), TOO_LONG))({ id: 'box' }))).toBe(
      'runtimeFailed: containerd: no',
    );
    expect(freezer()).toMatch(/^THAWED/);
  });

  it.each([
    ['hangs', TOO_LONG],
    ['fails', says('no')],
    ['lies', DONE],
  ])('does not keep a container frozen: where it %s, the freezer is told', async (_, ending) => {
    const freezer = freezerIs('FROZEN\n');
    expect(await outcome(createResume(runc(ending))({ id: 'box' }))).toBe('done');
    expect(freezer()).toMatch(/^THAWED/);
  });
});

describe('to kill what is frozen', () => {
  const shim = {
    kill: async ({ process }, signal) => void ran.push(`${process} ${signal}`),
  } as Partial<ShimClient>;

  it('is KILL first, which it sees once it is thawed', async () => {
    const kill = createKillFrozen(runc(DONE), () => shim as ShimClient);
    expect(await outcome(kill({ id: 'box' }))).toBe('done');
    expect(ran).toEqual(['init 9', 'resume -- box']);
  });
});

describe('to delete', () => {
  let told: () => Promise<void>;
  beforeEach(() => {
    told = async () => {};
  });
  const remove = (...endings: Parameters<typeof runc>) => {
    const shim = () => ({ pid: process.pid });
    return outcome(
      createDelete({ runc: runc(...endings), stateDir, shim, errands: here, told: () => told() })({
        id: 'box',
      }),
    );
  };
  const isGone = () => !existsSync(stateDir.container('box'));

  it('lets runc, and the state dir, forget it', async () => {
    expect(await remove(DONE)).toBe('done');
    expect(ran).toEqual(['delete -- box']);
    expect(isGone()).toBe(true);
  });

  it('forgets it once the journal has what was told of it', async () => {
    let goneBefore: boolean | undefined;
    told = async () => {
      await setImmediate();
      goneBefore = isGone();
    };
    expect(await remove(DONE)).toBe('done');
    expect([goneBefore, isGone()]).toEqual([false, true]);
  });

  it('forgets it in the end where a disk takes no journal', async () => {
    told = () => new Promise(() => {});
    expect(await remove(DONE)).toBe('done');
    expect(isGone()).toBe(true);
  });

  it('what runc does not know is done', async () => {
    expect(await remove(says('container does not exist'))).toBe('done');
    expect(isGone()).toBe(true);
  });

  it('what does not let itself be deleted is done by force', async () => {
    expect(await remove(says('cannot delete container box that is not stopped: running'), DONE)).toBe('done');
    expect(ran).toEqual(['delete -- box', 'delete --force -- box']);
    expect(isGone()).toBe(true);
  });

  it('what is gone once force is used is done', async () => {
    expect(await remove(says('no'), says('container does not exist'))).toBe('done');
    expect(isGone()).toBe(true);
  });

  it('that fails even by force says why', async () => {
    expect(await remove(says('no'), says('device or resource busy'))).toBe(
      'runtimeFailed: containerd: device or resource busy; what it left was removed without it',
    );
  });

  it.each([
    ['hangs', [TOO_LONG], 'runc was killed after 30000 ms'],
    ['fails', [says('no'), says('never')], 'never'],
    ['lies', [DONE], 'runc delete ended with status 0 and has not deleted it'],
  ] as const)('where runc %s, what it left is removed without it', async (_, endings, words) => {
    const init = spawn('sleep', ['1000']);
    const cgroup = join(root, 'cgroup');
    mkdirSync(join(cgroup, 'below'), { recursive: true });
    mkdirSync(join(stateDir.runc, 'box'));
    const state = {
      init_process_pid: init.pid,
      init_process_start: Number(processStat(init.pid ?? 0)?.startTime),
      cgroup_paths: { memory: cgroup },
    };
    writeFileSync(join(stateDir.runc, 'box/state.json'), JSON.stringify(state));
    const ended = once(init, 'exit');
    expect(await remove(...endings)).toBe(
      `runtimeFailed: containerd: ${words}; what it left was removed without it`,
    );
    expect((await ended)[1]).toBe('SIGKILL');
    expect([existsSync(cgroup), existsSync(join(stateDir.runc, 'box')), isGone()]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('what a daemon of another version wrote down is left alone', async () => {
    writeFileSync(join(stateDir.container('box'), 'container.json'), '{"version":2}');
    expect(await remove()).toBe('internal: containerd: its record is of version 2');
    expect(ran).toEqual([]);
    expect(isGone()).toBe(false);
  });

  it('what has no folder is done', async () => {
    rmSync(stateDir.container('box'), { recursive: true });
    expect(await remove(DONE)).toBe('done');
  });
});
