import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { settleCheckpoints } from '../checkpoints/store.ts';
import { crashPoint } from '../crash-point.ts';
import { processStat } from '../linux/process-stat.ts';
import type { Logger } from '../log.ts';
import type { Adopted } from '../machines/adopt.ts';
import type { ProcessEntry } from '../machines/container-model.ts';
import { type CreateRequest, INIT, type Launched } from '../machines/messages.ts';
import type { Restored } from '../machines/supervisor-model.ts';
import { deleteContainer, type Runc, RuncError } from '../runc/runc.ts';
import { isFrozen, type RuncStateFile, readStateFile, waitsToStart } from '../runc/state-file.ts';
import type { ShimClient, ShimProcess } from '../shim/client.ts';
import { startName, type Told } from './announce.ts';
import { holdLeftExec } from './left-exec.ts';
import {
  readExecs,
  readOomKills,
  readRecord,
  readStarted,
  recordedIds,
  removeExec,
  writeStarted,
} from './record.ts';
import type { StateDir } from './state-dir.ts';
import { endsUntold, startsUntold } from './untold.ts';

export type RestoreOptions = {
  stateDir: StateDir;
  runc: Runc;
  shim: () => ShimClient;
  /** Watches a process that no shim of ours can reap, and tells when it has ended, at once if it has. */
  watchOrphan: (process: ShimProcess) => void;
  log: Logger;
};

/** Init and execs that a shim knows, by container, and what the journal knows. */
type Known = { running: Map<string, { pid: number; startTime: bigint }>; starting: Set<string>; told: Told };

/**
 * Finds out from the facts (the shim, runc's own state, /proc with start times) what has become of the containers
 * that were written down: they run, they are being started, they have ended, or they never were.
 */
export function createRestore(options: RestoreOptions) {
  return async (told: Told): Promise<Restored> => {
    const { stateDir, shim } = options;
    const { processes, starting } = shim();
    const known: Known = {
      running: new Map(processes.map((it) => [nameOf(it.key.container, it.key.process), it])),
      starting: new Set(starting.map((key) => nameOf(key.container, key.process))),
      told,
    };
    const restored: Restored = { adopted: [], untold: [] };
    const ids = await recordedIds(stateDir);
    await Promise.all(ids.map((id) => restoreOne(options, known, restored, id).catch(leave(options, id))));
    crashPoint('restore.looked');
    const leftAlone = await recordedIds(stateDir);
    restored.untold = [
      ...(await startsUntold(stateDir, restored.adopted, told)),
      ...endsUntold(options.log, told, new Set([...leftAlone, ...processes.map(({ key }) => key.container)])),
    ];
    if (starting.length === 0) await removeConsoleSockets(stateDir);
    // Now that no runc of the former daemon is at work: containers may share a bundle.
    const bundles = new Set(restored.adopted.map(({ create }) => create.bundlePath));
    await Promise.all([...bundles].map((bundlePath) => settle(options, bundlePath)));
    crashPoint('restore.checkpoints-settled');
    return restored;
  };
}

/** What is not understood of one container is no reason to lose it, or any other. */
const leave =
  ({ log }: RestoreOptions, id: string) =>
  (error: unknown): void =>
    log.error({ err: error, id }, 'a container of before cannot be taken up, and is left alone');

const nameOf = (id: string, process: string): string => `${id}/${process}`;

async function restoreOne(
  options: RestoreOptions,
  known: Known,
  restored: Restored,
  id: string,
): Promise<void> {
  const { stateDir, runc, shim } = options;
  // What a former daemon had runc do to it is done before anybody looks.
  await shim().settle(id);
  crashPoint('restore.settled');
  const create = await readRecord(stateDir.container(id));
  if (create === undefined) return sweep(options, id, 'it was never started');

  const init = known.running.get(nameOf(id, INIT));
  if (init !== undefined) {
    const state = await readStateFile(runc.root, id);
    restored.adopted.push(await adopt(options, known, create, state, entryOf(INIT, create.spec, init)));
    return;
  }
  if (known.starting.has(nameOf(id, INIT))) {
    const entry = { process: INIT, requestId: '', spec: create.spec, pid: 0, startTime: '' };
    restored.adopted.push({ create, status: 'launching', processes: [entry], execs: 0, oomKills: 0 });
    return;
  }
  // The shim that started it is gone: what is left is what runc wrote down.
  const state = await readStateFile(runc.root, id);
  if (state === undefined || (await waitsToStart(runc.root, id)))
    return sweep(options, id, 'it did not come to run');
  const orphan = { pid: state.initPid, startTime: BigInt(state.initStartTime) };
  restored.adopted.push(await adopt(options, known, create, state, entryOf(INIT, create.spec, orphan)));
  options.watchOrphan({ key: { container: id, process: INIT }, ...orphan });
}

async function adopt(
  options: RestoreOptions,
  known: Known,
  create: CreateRequest,
  state: RuncStateFile | undefined,
  init: ProcessEntry,
): Promise<Adopted> {
  const folder = options.stateDir.container(create.id);
  const execs = await readExecs(folder);
  const entries = await Promise.all(
    execs.map(async ({ process, spec }): Promise<ProcessEntry[]> => {
      const name = nameOf(create.id, process);
      const running = known.running.get(name);
      if (running !== undefined) return [entryOf(process, spec, running)];
      if (known.starting.has(name)) return [{ process, requestId: '', spec, pid: 0, startTime: '' }];
      const started =
        (await readStarted(folder, process)) ?? (await noteLeft(options, folder, create.id, process));
      if (started === undefined || hasTold(known.told, create.id, started)) {
        await removeExec(folder, process);
        return [];
      }
      const orphan = { pid: started.pid, startTime: BigInt(started.startTime) };
      options.watchOrphan({ key: { container: create.id, process }, ...orphan });
      return [entryOf(process, spec, orphan)];
    }),
  );
  crashPoint('restore.taken-up');
  return {
    create,
    status: state !== undefined && (await isFrozen(state.cgroupPaths)) ? 'paused' : 'running',
    processes: [init, ...entries.flat()],
    oomKills: await readOomKills(folder),
    execs: Math.max(0, ...execs.map(({ process }) => Number(process.slice('exec-'.length)))),
  };
}

/** An exec that runs, of which the former daemon did not come to hear from a shim that is gone too. */
async function noteLeft(
  { runc }: RestoreOptions,
  folder: string,
  id: string,
  process: string,
): Promise<Launched | undefined> {
  const left = await holdLeftExec({ runc: runc.root, folder }, id, process);
  if (left === undefined) return undefined;
  left.held.release();
  const launched = { pid: left.pid, startTime: String(left.startTime) };
  await writeStarted(folder, process, launched);
  return launched;
}

/** The end of a process was told, but it is written down still; one that lives has got the pid of another. */
const hasTold = ({ starts, alive }: Told, id: string, { pid, startTime }: Launched): boolean =>
  starts.has(startName(id, pid)) &&
  !alive.has(startName(id, pid)) &&
  processStat(pid)?.startTime !== BigInt(startTime);

const entryOf = (
  process: string,
  spec: ProcessEntry['spec'],
  { pid, startTime }: { pid: number; startTime: bigint },
): ProcessEntry => ({ process, requestId: '', spec, pid, startTime: String(startTime) });

/** Sockets on which no runc hands over a terminal any more. */
async function removeConsoleSockets({ console }: StateDir): Promise<void> {
  const names = await readdir(console);
  await Promise.all(names.map((name) => rm(path.join(console, name), { force: true })));
}

async function settle({ log }: RestoreOptions, bundlePath: string): Promise<void> {
  await settleCheckpoints(bundlePath).catch((error: unknown) =>
    log.warn({ err: error, bundlePath }, 'what is left of a checkpoint could not be removed'),
  );
}

/** Removes what is left of a container that does not run and of which nobody was told. */
async function sweep({ stateDir, runc, log }: RestoreOptions, id: string, why: string): Promise<void> {
  log.info({ id, why }, 'a container of before is removed');
  await deleteContainer(runc, id, true).catch((error: unknown) => {
    if (!(error instanceof RuncError && error.notFound))
      log.warn({ err: error, id }, 'runc could not delete it');
  });
  crashPoint('restore.deleted');
  await rm(stateDir.container(id), { recursive: true, force: true });
  crashPoint('restore.swept');
}
