import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pidFileOf, writeRecord } from '../../src/actors/record.ts';
import { createRestore } from '../../src/actors/restore.ts';
import { makeStateDir, type StateDir, stateDirAt } from '../../src/actors/state-dir.ts';
import { processStat } from '../../src/linux/process-stat.ts';
import type { CreateRequest } from '../../src/machines/messages.ts';
import type { RunRunc } from '../../src/runc/runc.ts';
import type { ShimClient } from '../../src/shim/client.ts';
import { create } from '../machines/fixtures/requests.ts';

/** A process that lives: this one. */
const alive = { pid: process.pid, startTime: processStat(process.pid)?.startTime ?? 0n };
const NOBODY = 2 ** 22 - 1;

let root: string;
let stateDir: StateDir;
let ran: string[];
let watched: string[];
let logged: string[];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'restore-'));
  stateDir = stateDirAt(root);
  await makeStateDir(stateDir);
  ran = [];
  watched = [];
  logged = [];
});
afterEach(() => rmSync(root, { recursive: true }));

async function record(id: string, of: Partial<CreateRequest> = {}): Promise<void> {
  mkdirSync(stateDir.container(id));
  await writeRecord(stateDir.container(id), create({ id, requestId: '', ...of }));
}

/** What runc has written down of a container. */
function runcState(id: string, { pid, startTime }: { pid: number; startTime: bigint }): void {
  mkdirSync(join(stateDir.runc, id));
  const state = { init_process_pid: pid, init_process_start: Number(startTime), cgroup_paths: {} };
  writeFileSync(join(stateDir.runc, id, 'state.json'), JSON.stringify(state));
}

type Held = {
  processes?: [id: string, process: string, pid: number][];
  starting?: [id: string, process: string][];
};

/** Restores from what is in the state dir, and what the shim says that it holds. */
function restore({ processes = [], starting = [] }: Held = {}) {
  const shim = {
    processes: processes.map(([container, process, pid]) => ({
      key: { container, process },
      pid,
      startTime: 7n,
    })),
    starting: starting.map(([container, process]) => ({ container, process })),
    settle: async () => {},
  } as Partial<ShimClient> as ShimClient;
  const run: RunRunc = async ({ argv }) => {
    ran.push(argv.slice(argv.indexOf('json') + 1).join(' '));
    return { exitStatus: 0, output: '' };
  };
  const log = pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line).msg) });
  return createRestore({
    stateDir,
    runc: { command: 'runc', root: stateDir.runc, run, timeoutMs: 1_000 },
    shim: () => shim,
    watchOrphan: ({ key: { container, process }, pid, startTime }) =>
      watched.push(`${container} ${process} ${pid} ${startTime}`),
    log,
  })(new Set());
}

describe('a container of a former daemon', () => {
  it('that the shim has runs', async () => {
    await record('box');
    runcState('box', alive);
    const { adopted, ended } = await restore({ processes: [['box', 'init', 100]] });
    expect(adopted).toMatchObject([
      {
        create: { id: 'box' },
        status: 'running',
        processes: [{ process: 'init', pid: 100, startTime: '7' }],
        execs: 0,
      },
    ]);
    expect([ended, ran, watched]).toEqual([[], [], []]);
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
    const { adopted, ended } = await restore();
    expect([adopted, ended]).toEqual([[], []]);
    expect(ran.sort()).toEqual(['empty', 'torn', 'untouched'].map((id) => `delete --force -- ${id}`));
    expect(readdirSync(stateDir.containers)).toEqual([]);
  });

  it('that lost its shim runs, and its end is watched', async () => {
    await record('box');
    runcState('box', alive);
    const { adopted, ended } = await restore();
    expect(adopted).toMatchObject([
      { status: 'running', processes: [{ process: 'init', pid: process.pid }] },
    ]);
    expect([ended, watched]).toEqual([[], [`box init ${process.pid} ${alive.startTime}`]]);
  });

  it('that lost its shim and is gone is handed over like one that runs, to be told of', async () => {
    await record('box');
    runcState('box', { pid: NOBODY, startTime: 1n });
    const { adopted, ended } = await restore();
    expect(adopted).toHaveLength(1);
    expect([ended, watched]).toEqual([[], [`box init ${NOBODY} 1`]]);
  });

  it('of which a start was not told has it told', async () => {
    await record('box');
    runcState('box', alive);
    writeFileSync(pidFileOf(stateDir.container('box'), 'init'), '100');
    const { untold } = await restore({ processes: [['box', 'init', 100]] });
    expect(untold).toMatchObject([{ type: 'start', id: 'box', process: 'init', pid: 100 }]);
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
