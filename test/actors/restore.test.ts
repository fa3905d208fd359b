import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeftAlone } from '../../src/actors/left-alone.ts';
import { errandOf, pidFileOf, readStarted, recordOf, startedErrand } from '../../src/actors/record.ts';
import { createRestore } from '../../src/actors/restore.ts';
import { makeStateDir, type StateDir, stateDirAt } from '../../src/actors/state-dir.ts';
import type { Told } from '../../src/actors/told.ts';
import { type Errands, here } from '../../src/errands/errands.ts';
import { processStat } from '../../src/linux/process-stat.ts';
import type { CreateRequest } from '../../src/machines/messages.ts';
import type { RunRunc } from '../../src/runc/runc.ts';
import type { ShimClient } from '../../src/shim/client.ts';
import { create } from '../machines/fixtures/requests.ts';

/** A process that lives: this one. */
const alive = { pid: process.pid, startTime: processStat(process.pid)?.startTime ?? 0n };
const NOBODY = 2 ** 22 - 1;
const EXEC = JSON.stringify({ ...create().spec, askedEnv: [] });

let root: string;
let stateDir: StateDir;
let ran: string[];
let watched: string[];
let logged: string[];
let settled: string[];
/** Whether runc fails to delete. */
let undeletable: boolean;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'restore-'));
  stateDir = stateDirAt(root);
  await makeStateDir(stateDir);
  ran = [];
  watched = [];
  logged = [];
  settled = [];
  undeletable = false;
});
afterEach(() => rmSync(root, { recursive: true }));

async function record(id: string, of: Partial<CreateRequest> = {}): Promise<void> {
  await here(errandOf(recordOf(stateDir.container(id), create({ id, requestId: '', ...of }))));
}

/** What runc has written down of a container. */
function runcState(
  id: string,
  { pid, startTime }: { pid: number; startTime: bigint },
  cgroups: Record<string, string> = {},
): void {
  mkdirSync(join(stateDir.runc, id));
  const state = { init_process_pid: pid, init_process_start: Number(startTime), cgroup_paths: cgroups };
  writeFileSync(join(stateDir.runc, id, 'state.json'), JSON.stringify(state));
}

type Held = {
  processes?: [id: string, process: string, pid: number][];
  starting?: [id: string, process: string][];
};

/** What the journal has of processes, by `ID/PID`; of what was started and does not run, the exit as well. */
type Journalled = { starts: Set<string>; open: Told['open']; paused: Set<string> };

const toldAs = ({ starts = new Set(), open = new Map(), paused = new Set() }: Partial<Journalled>): Told => ({
  open,
  paused,
  async of({ id, pid }) {
    const [started, runs] = [starts.has(`${id}/${pid}`), open.has(`${id}/${pid}`)];
    return { started: started || runs, exitNs: started && !runs ? '1' : undefined };
  },
});

/** Restores from what is in the state dir, and what the shim says that it holds. */
function restore(
  { processes = [], starting = [] }: Held = {},
  told: Partial<Journalled> = {},
  rebooted = false,
  errands: Errands = here,
) {
  const shim = {
    processes: processes.map(([container, process, pid]) => ({
      key: { container, process },
      pid,
      startTime: 7n,
    })),
    starting: starting.map(([container, process]) => ({ container, process })),
    settle: async (id) => void settled.push(id),
  } as Partial<ShimClient> as ShimClient;
  const run: RunRunc = async ({ container, argv }) => {
    ran.push(argv.slice(argv.indexOf('json') + 1).join(' '));
    if (undeletable) return { exitStatus: 1, output: '' };
    rmSync(join(stateDir.runc, container), { recursive: true, force: true });
    return { exitStatus: 0, output: '' };
  };
  const log = pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line).msg) });
  return createRestore({
    stateDir,
    runc: { command: 'runc', root: stateDir.runc, run, timeoutMs: 1_000 },
    shim: () => shim,
    errands,
    settleLost: async () => void settled.push('what was lost'),
    rebooted,
    leftAlone: new LeftAlone(stateDir),
    watchOrphan: ({ key: { container, process }, pid, startTime }) =>
      watched.push(`${container} ${process} ${pid} ${startTime}`),
    log,
  })(toldAs(told));
}

describe('a container of a former daemon', () => {
  it('that the shim has runs', async () => {
    await record('box');
    runcState('box', alive);
    const { adopted } = await restore({ processes: [['box', 'init', 100]] });
    expect(adopted).toMatchObject([
      {
        create: { id: 'box' },
        status: 'running',
        processes: [{ process: 'init', pid: 100, startTime: '7' }],
        execs: 0,
      },
    ]);
    expect([ran, watched]).toEqual([[], []]);
  });

  it('that the shim is starting is being started', async () => {
    await record('box');
    const { adopted } = await restore({ starting: [['box', 'init']] });
    expect(adopted).toMatchObject([{ status: 'launching', processes: [{ process: 'init', pid: 0 }] }]);
    expect(ran).toEqual([]);
  });

  it('that was never started is removed', async () => {
    mkdirSync(stateDir.container('empty'));
    mkdirSync(stateDir.container('torn'));
    writeFileSync(join(stateDir.container('torn'), 'container.json'), '{"version":1,"cre');
    await record('untouched');
    const { adopted } = await restore();
    expect(adopted).toEqual([]);
    expect(ran.sort()).toEqual(['empty', 'torn', 'untouched'].map((id) => `delete --force -- ${id}`));
    expect(readdirSync(stateDir.containers)).toEqual([]);
  });

  it('stays written down while runc has something of it, and nobody is told that it was undone', async () => {
    await record('box');
    mkdirSync(join(stateDir.runc, 'box'));
    undeletable = true;
    expect((await restore()).untold).toEqual([]);
    expect(readdirSync(stateDir.containers)).toEqual(['box']);
    undeletable = false;
    expect((await restore()).untold).toMatchObject([{ type: 'undone', id: 'box' }]);
    expect(readdirSync(stateDir.containers)).toEqual([]);
  });

  it('is looked at once no runc is at work on it, a lost shim’s neither', async () => {
    await record('box');
    await restore();
    expect(settled).toEqual(['box', 'what was lost']);
  });

  it('that lost its shim runs, and its end is watched', async () => {
    await record('box');
    runcState('box', alive);
    const { adopted } = await restore();
    expect(adopted).toMatchObject([
      { status: 'running', processes: [{ process: 'init', pid: process.pid }] },
    ]);
    expect(watched).toEqual([`box init ${process.pid} ${alive.startTime}`]);
  });

  it('that lost its shim and is gone is handed over like one that runs, to be told of', async () => {
    await record('box');
    runcState('box', { pid: NOBODY, startTime: 1n });
    const { adopted } = await restore();
    expect(adopted).toHaveLength(1);
    expect(watched).toEqual([`box init ${NOBODY} 1`]);
  });

  it('of which a start was not told has it told', async () => {
    await record('box');
    runcState('box', alive);
    writeFileSync(pidFileOf(stateDir.container('box'), 'init'), '100');
    const { untold } = await restore({ processes: [['box', 'init', 100]] });
    expect(untold).toMatchObject([{ type: 'start', id: 'box', process: 'init', pid: 100, adopted: true }]);
  });

  it('that was started, and deleted before its start was told, is handed over like one that runs', async () => {
    await record('box');
    writeFileSync(pidFileOf(stateDir.container('box'), 'init'), String(process.pid));
    const { adopted, untold } = await restore();
    expect(adopted).toMatchObject([{ processes: [{ process: 'init', pid: process.pid }] }]);
    expect(untold).toMatchObject([{ type: 'start', id: 'box', pid: process.pid, adopted: true }]);
    // Whoever has its pid now was not started then.
    expect(watched).toEqual([`box init ${process.pid} -1`]);
    expect(readdirSync(stateDir.containers)).toEqual(['box']);
  });

  it('that was deleted before its end was told is handed over like one that runs', async () => {
    await record('box');
    const open = new Map([100, 101].map((pid) => [`box/${pid}`, { id: 'box', pid }]));
    const { adopted } = await restore({}, { open, starts: new Set(open.keys()) });
    expect(adopted).toMatchObject([{ processes: [{ process: 'init', pid: 100 }] }]);
    expect(watched).toEqual(['box init 100 -1']);
  });

  it('that was deleted while it was paused has its end told, and no resume', async () => {
    await record('box');
    const open = new Map([['box/100', { id: 'box', pid: 100 }]]);
    const { adopted, untold } = await restore({}, { open, paused: new Set(['box']) });
    expect([adopted.map(({ status }) => status), untold]).toEqual([['paused'], []]);
  });

  it('that was deleted after its end was told is removed', async () => {
    await record('box');
    writeFileSync(pidFileOf(stateDir.container('box'), 'init'), '100');
    const { adopted } = await restore({}, { starts: new Set(['box/100']) });
    expect([adopted, readdirSync(stateDir.containers)]).toEqual([[], []]);
  });

  it('that was started before the host restarted, and not told, has both told', async () => {
    await record('box');
    writeFileSync(pidFileOf(stateDir.container('box'), 'init'), '100');
    const { untold } = await restore({}, {}, true);
    expect(untold).toMatchObject([
      { type: 'start', id: 'box', pid: 100, adopted: true },
      { type: 'exit', id: 'box', pid: 100, status: 255, unknown: true },
    ]);
    expect(readdirSync(stateDir.containers)).toEqual([]);
  });

  it.each([
    ['pause', 'FROZEN', []],
    ['resume', 'THAWED', ['box']],
  ])('of which a %s was not told has it told', async (type, frozen, paused) => {
    await record('box');
    const freezer = join(root, 'freezer');
    mkdirSync(freezer);
    writeFileSync(join(freezer, 'freezer.state'), `${frozen}\n`);
    runcState('box', alive, { freezer });
    const held: Held = { processes: [['box', 'init', 100]] };
    const open = new Map([['box/100', { id: 'box', pid: 100 }]]);
    const { untold } = await restore(held, { open, paused: new Set(paused) });
    expect(untold).toMatchObject([{ type, id: 'box', adopted: true }]);
    // Nothing to tell, nothing known, and nothing to be told any more.
    expect((await restore(held, { open, paused: new Set(type === 'pause' ? ['box'] : []) })).untold).toEqual(
      [],
    );
    expect((await restore(held, { paused: new Set(paused) })).untold).toEqual([]);
    expect((await restore(held, { starts: new Set(['box/100']), paused: new Set(paused) })).untold).toEqual(
      [],
    );
  });

  it('that never came to run is told to be undone', async () => {
    await record('box');
    expect((await restore()).untold).toMatchObject([
      { type: 'undone', id: 'box', process: 'init', pid: 0, why: 'it did not come to run' },
    ]);
  });

  it('of whose exec nothing came is told so once', async () => {
    await record('box');
    writeFileSync(join(stateDir.container('box'), 'exec-1.json'), EXEC);
    const held: Held = { processes: [['box', 'init', 100]] };
    expect((await restore(held)).untold).toMatchObject([{ type: 'undone', id: 'box', process: 'exec-1' }]);
    expect((await restore(held)).untold).toEqual([]);
  });

  it('whose start was told and of which nobody has anything has its end told, unknown, execs first', async () => {
    const open = new Map([10, 11].map((pid) => [`gone/${pid}`, { id: 'gone', pid }]));
    const { untold } = await restore({}, { open });
    const end = { type: 'exit', id: 'gone', status: 255, unknown: true };
    expect(untold).toMatchObject([
      { ...end, pid: 11 },
      { ...end, pid: 10 },
    ]);
  });

  it('of which nothing is left but exits that the shim is to tell has the starts told before them', async () => {
    const held: Held = {
      processes: [
        ['gone', 'init', 10],
        ['gone', 'exec-1', 11],
        ['told', 'init', 12],
      ],
    };
    const { untold } = await restore(held, { starts: new Set(['told/12']) });
    expect(untold).toMatchObject([
      { type: 'start', id: 'gone', process: 'init', pid: 10, adopted: true },
      { type: 'exec', id: 'gone', process: 'exec-1', pid: 11, adopted: true },
    ]);
  });

  it('of a former boot of the host is removed without runc, whoever has its pid now', async () => {
    await record('box');
    runcState('box', alive);
    mkdirSync(stateDir.container('newer'));
    writeFileSync(join(stateDir.container('newer'), 'container.json'), '{"version":2,"create":{}}');
    const open = new Map([['box/7', { id: 'box', pid: 7 }]]);
    const { adopted, untold } = await restore({}, { open }, true);
    expect(untold).toMatchObject([
      { type: 'undone', id: 'newer', why: 'the host has restarted' },
      { type: 'exit', id: 'box', pid: 7, unknown: true },
    ]);
    expect([adopted, ran, watched]).toEqual([[], [], []]);
    expect([readdirSync(stateDir.containers), readdirSync(stateDir.runc)]).toEqual([[], []]);
  });

  it('has no end told where the shim has it, or it was taken up, or was left alone', async () => {
    await record('box');
    runcState('box', alive);
    mkdirSync(stateDir.container('newer'));
    writeFileSync(join(stateDir.container('newer'), 'container.json'), '{"version":2,"create":{}}');
    const started: [string, number][] = [
      ['held', 100],
      ['box', process.pid],
      ['newer', 101],
    ];
    const open = new Map(started.map(([id, pid]) => [`${id}/${pid}`, { id, pid }]));
    const starts = new Set(open.keys());
    expect((await restore({ processes: [['held', 'init', 100]] }, { open, starts })).untold).toEqual([]);
  });

  it('whose start and exit are in the journal is not told to have ended again', async () => {
    await record('box');
    runcState('box', { pid: NOBODY, startTime: 1n });
    const { adopted, untold } = await restore({}, { starts: new Set([`box/${NOBODY}`]) });
    expect([adopted, untold, watched]).toEqual([[], [], []]);
    expect(readdirSync(stateDir.containers)).toEqual([]);
  });

  it('is not taken for an ended one that had its pid', async () => {
    await record('box');
    runcState('box', alive);
    const { adopted } = await restore({}, { starts: new Set([`box/${process.pid}`]) });
    expect(adopted).toHaveLength(1);
  });

  it('of whose exec nobody can read who it was runs on', async () => {
    await record('box');
    for (const text of ['null', '{"pid":"7","startTime":"x"}', '{"pid":7', '']) {
      writeFileSync(join(stateDir.container('box'), 'exec-1.json'), EXEC);
      writeFileSync(join(stateDir.container('box'), 'exec-1.started'), text);
      const { adopted } = await restore({ processes: [['box', 'init', 100]] });
      expect(adopted).toMatchObject([{ processes: [{ process: 'init' }] }]);
    }
  });

  it('of which a checkpoint was being written has it told what became of that', async () => {
    const bundlePath = join(root, 'bundle');
    await record('box', { bundlePath });
    const work = join(stateDir.container('box'), 'criu');
    mkdirSync(work);
    for (const name of ['whole', 'torn']) {
      const partial = join(bundlePath, 'checkpoints', `${name}~999999999-1-1`);
      mkdirSync(partial, { recursive: true });
      writeFileSync(join(partial, 'config.json'), JSON.stringify({ name, tcp: true }));
      symlinkSync(work, join(partial, 'work'));
      const words = name === 'whole' ? 'Dumping finished successfully' : 'Dumping fin';
      writeFileSync(join(work, 'dump.log'), words);
      const { untold } = await restore({ processes: [['box', 'init', 100]] });
      const checkpoint = { name, exit: false, tcp: true, unixSockets: false, shell: false };
      expect(untold).toMatchObject([
        name === 'whole'
          ? { type: 'checkpoint', id: 'box', adopted: true, checkpoint }
          : { type: 'undone', id: 'box', why: 'the checkpoint was not written to its end', checkpoint },
      ]);
    }
  });

  it('that was created, but not started, is removed', async () => {
    await record('box');
    runcState('box', alive);
    writeFileSync(join(stateDir.runc, 'box', 'exec.fifo'), '');
    expect((await restore()).adopted).toEqual([]);
    expect(ran).toEqual(['delete --force -- box']);
  });

  it('has no end told again of an exec of which it was told, and which is written down still', async () => {
    await record('box');
    runcState('box', alive);
    await here(startedErrand(stateDir.container('box'), 'exec-1', { pid: NOBODY, startTime: '1' }));
    writeFileSync(join(stateDir.container('box'), 'exec-1.json'), EXEC);
    const { adopted } = await restore(
      { processes: [['box', 'init', 100]] },
      { starts: new Set([`box/${NOBODY}`]) },
    );
    expect(adopted[0]?.processes.map((it) => it.process)).toEqual(['init']);
    expect(watched).toEqual([]);
    expect(readdirSync(stateDir.container('box'))).toEqual(['container.json']);
  });

  it('that ended amid a checkpoint has that settled before its folder goes, in which CRIU’s log is', async () => {
    const bundlePath = join(root, 'bundle');
    const workPath = join(stateDir.container('box'), 'criu');
    const partial = join(bundlePath, 'checkpoints', `one~${NOBODY}-1-1`);
    await record('box', { bundlePath });
    mkdirSync(workPath);
    writeFileSync(join(workPath, 'dump.log'), '(0.1) Dumping finished successfully\n');
    mkdirSync(partial, { recursive: true });
    symlinkSync(workPath, join(partial, 'work'));
    writeFileSync(join(partial, 'config.json'), '{"name":"one"}');
    await restore();
    expect(readdirSync(stateDir.containers)).toEqual([]);
    expect(readdirSync(join(bundlePath, 'checkpoints'))).toEqual(['one']);
  });

  it('is taken up though the disk does not take who its exec is', async () => {
    await record('box');
    writeFileSync(join(stateDir.container('box'), 'exec-1.json'), EXEC);
    runcState('box', { pid: 100, startTime: 7n });
    const held: Held = {
      processes: [
        ['box', 'init', 100],
        ['box', 'exec-1', 101],
      ],
    };
    const noSpace = Object.assign(new Error('it is full'), { code: 'ENOSPC' });
    const full: Errands = Object.assign(() => Promise.reject(noSpace), { close: () => {} });
    const { adopted } = await restore(held, {}, false, full);
    expect(adopted[0]?.processes.map(({ pid }) => pid)).toEqual([100, 101]);
    expect(logged).toContain('what is kept of a former daemon could not be changed');
  });

  it('has written down who an exec is that only the shim knew', async () => {
    await record('box');
    runcState('box', alive);
    writeFileSync(join(stateDir.container('box'), 'exec-1.json'), EXEC);
    await restore({
      processes: [
        ['box', 'init', 100],
        ['box', 'exec-1', 101],
      ],
    });
    expect(await readStarted(stateDir.container('box'), 'exec-1')).toEqual({ pid: 101, startTime: 7n });
  });

  it('leaves no socket for a terminal that nobody hands over', async () => {
    writeFileSync(join(stateDir.console, '1-1'), '');
    await restore({ starting: [['box', 'init']] });
    expect(readdirSync(stateDir.console)).toEqual(['1-1']);
    await restore();
    expect(readdirSync(stateDir.console)).toEqual([]);
  });

  it('that another version wrote down is left alone, and no other suffers by it', async () => {
    mkdirSync(stateDir.container('newer'));
    writeFileSync(join(stateDir.container('newer'), 'container.json'), '{"version":2,"create":{}}');
    runcState('newer', alive);
    await record('box');
    const { adopted } = await restore({
      processes: [
        ['box', 'init', 100],
        ['newer', 'init', 101],
      ],
    });
    expect(adopted.map((it) => it.create.id)).toEqual(['box']);
    expect(ran).toEqual([]);
    expect(readdirSync(stateDir.containers).sort()).toEqual(['box', 'newer']);
    expect(logged).toEqual(['a container of before cannot be taken up, and is left alone']);
  });
});
