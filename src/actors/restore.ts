import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { crashPoint } from '../crash-point.ts';
import type { Errands } from '../errands/errands.ts';
import type { Logger } from '../log.ts';
import type { Adopted } from '../machines/adopt.ts';
import type { ProcessEntry } from '../machines/container-model.ts';
import { type CreateRequest, INIT, type Notice } from '../machines/messages.ts';
import type { Restored } from '../machines/supervisor-model.ts';
import { deleteContainer, type Runc, RuncError } from '../runc/runc.ts';
import { hasState, isFrozen, type RuncStateFile, readStateFile, waitsToStart } from '../runc/state-file.ts';
import type { ShimClient, ShimProcess } from '../shim/client.ts';
import type { LeftAlone } from './left-alone.ts';
import { readExecs, readOomKills, readRecord, recordedIds } from './record.ts';
import { adoptExec, entryOf, nameOf, unwritten } from './restore-exec.ts';
import type { StateDir } from './state-dir.ts';
import type { Told } from './told.ts';
import {
  changesUntold,
  checkpointsUntold,
  endsUntold,
  endUntold,
  endWasTold,
  startAndEnd,
  startedUntold,
  startsUntold,
  straysUntold,
  undone,
} from './untold.ts';

export type RestoreOptions = {
  stateDir: StateDir;
  runc: Runc;
  shim: () => ShimClient;
  errands: Errands;
  /** Resolves once no runc of a shim that was lost is at work. */
  settleLost: () => Promise<void>;
  /** The host has restarted: nothing runs, and whoever has a pid that was written down is somebody else. */
  rebooted: boolean;
  /** Is told of containers that cannot be taken up. */
  leftAlone: LeftAlone;
  /** Watches a process that no shim of ours can reap, and tells when it has ended, at once if it has. */
  watchOrphan: (process: ShimProcess) => void;
  log: Logger;
};

/** When no process was ever started: whoever has the pid is another. */
const OF_NOBODY = -1n;

const NOBODY_WATCHED = 'a process has ended that nobody watched: its exit status is not known';

/** What is known of the former daemon's containers, and what they have turned out to be. */
export type Search = RestoreOptions & {
  told: Told;
  /** Init and execs that a shim knows, by container. */
  running: ReadonlyMap<string, { pid: number; startTime: bigint }>;
  starting: ReadonlySet<string>;
  adopted: Adopted[];
  undone: Notice[];
  left: Set<string>;
};

/**
 * Finds out from the facts (the shim, runc's own state, /proc with start times, the journal) what has become of the
 * containers that were written down: they run, they are being started, they have ended, or they never were; and what
 * of it has not been told.
 */
export function createRestore(options: RestoreOptions) {
  return async (told: Told): Promise<Restored> => {
    const { stateDir, shim, log } = options;
    const { processes, starting } = shim();
    const search: Search = {
      ...options,
      told,
      running: new Map(processes.map((it) => [nameOf(it.key.container, it.key.process), it])),
      starting: new Set(starting.map((key) => nameOf(key.container, key.process))),
      adopted: [],
      undone: [],
      left: new Set(),
    };
    const ids = await recordedIds(stateDir);
    if (!options.rebooted) await Promise.all(ids.map((id) => settleRuncs(options, id)));
    crashPoint('restore.settled');
    const checkpoints = await settleBundles(options, ids);
    crashPoint('restore.checkpoints-settled');
    await Promise.all(ids.map((id) => restoreOne(search, id).catch(leave(search, id))));
    crashPoint('restore.looked');
    const { adopted, left } = search;
    if (starting.length === 0)
      await removeConsoleSockets(stateDir).catch(unwritten(search, 'sockets of terminals'));
    const starts = await startsUntold(stateDir, adopted, told);
    const changes = await changesUntold(adopted, told);
    const strays = await straysUntold(adopted, processes, left, told);
    const ends = endsUntold(adopted, processes, left, told);
    for (const { id, pid } of ends) log.warn({ id, pid }, NOBODY_WATCHED);
    return { adopted, untold: [...starts, ...changes, ...strays, ...search.undone, ...checkpoints, ...ends] };
  };
}

/** What is not understood of one container is no reason to lose it, or any other. */
const leave =
  ({ log, left, leftAlone }: Search, id: string) =>
  (error: unknown): void => {
    left.add(id);
    leftAlone.add(id);
    log.error({ err: error, id }, 'a container of before cannot be taken up, and is left alone');
  };

async function restoreOne(search: Search, id: string): Promise<void> {
  const { stateDir, runc, running, starting, adopted } = search;
  // What its own record says does not matter any more, be it another version's.
  if (search.rebooted) return endOfBoot(search, id);
  const create = await readRecord(stateDir.container(id));
  if (create === undefined) return undo(search, id, 'it was never started');

  const init = running.get(nameOf(id, INIT));
  if (init !== undefined) {
    const state = await readStateFile(runc.root, id);
    adopted.push(await adopt(search, create, state, entryOf(INIT, create.spec, init)));
    return;
  }
  if (starting.has(nameOf(id, INIT))) {
    const entry = { process: INIT, requestId: '', spec: create.spec, pid: 0, startTime: '' };
    adopted.push({ create, status: 'launching', processes: [entry], execs: 0, oomKills: 0 });
    return;
  }
  // The shim that started it is gone: what is left is what runc wrote down.
  const state = await readStateFile(runc.root, id);
  const pid = state === undefined ? await endUntold(stateDir, search.told, id) : undefined;
  if (pid !== undefined) return takeUpEnded(search, create, pid);
  if (state === undefined || (await waitsToStart(runc.root, id)))
    return undo(search, id, 'it did not come to run');
  const orphan = { pid: state.initPid, startTime: BigInt(state.initStartTime) };
  if (await endWasTold(search.told, id, orphan)) {
    await sweep(search, id, 'its exit has been told');
    return;
  }
  adopted.push(await adopt(search, create, state, entryOf(INIT, create.spec, orphan)));
  search.watchOrphan({ key: { container: id, process: INIT }, ...orphan });
}

async function endOfBoot(search: Search, id: string): Promise<void> {
  const { stateDir, told } = search;
  const why = 'the host has restarted';
  const pid = await startedUntold(stateDir, told, id);
  if (pid === undefined) return undo(search, id, why);
  await sweep(search, id, why);
  search.undone.push(...startAndEnd(id, pid));
}

/** A container that runc has deleted, of whose end nobody was told yet: it ends at once. */
async function takeUpEnded(search: Search, create: CreateRequest, pid: number): Promise<void> {
  const ended = { pid, startTime: OF_NOBODY };
  search.adopted.push(await adopt(search, create, undefined, entryOf(INIT, create.spec, ended)));
  search.watchOrphan({ key: { container: create.id, process: INIT }, ...ended });
}

/** Removes a container that does not run; of one whose start was told, its end is to be told instead. */
async function undo(search: Search, id: string, why: string): Promise<void> {
  if (!(await sweep(search, id, why))) return;
  const hasRun = [...search.told.open.values()].some((it) => it.id === id);
  if (!hasRun) search.undone.push(undone(id, INIT, why));
}

async function adopt(
  search: Search,
  create: CreateRequest,
  state: RuncStateFile | undefined,
  init: ProcessEntry,
): Promise<Adopted> {
  const folder = search.stateDir.container(create.id);
  const execs = await readExecs(folder);
  const entries = await Promise.all(execs.map((exec) => adoptExec(search, create.id, exec)));
  // One that runc has deleted has not been resumed to end.
  const isPaused =
    state === undefined ? search.told.paused.has(create.id) : await isFrozen(state.cgroupPaths);
  crashPoint('restore.taken-up');
  return {
    create,
    status: isPaused ? 'paused' : 'running',
    processes: [init, ...entries.filter((entry) => entry !== undefined)],
    oomKills: await readOomKills(folder),
    execs: Math.max(0, ...execs.map(({ process }) => Number(process.slice('exec-'.length)))),
  };
}

/** What a former daemon had runc do to a container is done before anybody looks. */
async function settleRuncs({ shim, settleLost }: RestoreOptions, id: string): Promise<void> {
  // Where there is no shim, nothing is at work there; where it is another by now, what the lost one ran may be.
  await shim()
    .settle(id)
    .catch(() => {});
  await settleLost();
}

/**
 * Settles what is left of checkpoints, once no runc of the former daemon is at work on any: containers may share a bundle;
 * and before any folder is removed, as CRIU's log is in it. Gives what is to be told of it.
 */
async function settleBundles({ stateDir, log }: RestoreOptions, ids: readonly string[]): Promise<Notice[]> {
  const records = await Promise.all(
    ids.map((id) => readRecord(stateDir.container(id)).catch(() => undefined)),
  );
  const bundles = new Set(records.flatMap((create) => create?.bundlePath ?? []));
  const untold = await Promise.all([...bundles].map((it) => checkpointsUntold(stateDir, it, log)));
  return untold.flat();
}

/** Sockets on which no runc hands over a terminal any more. */
async function removeConsoleSockets({ console }: StateDir): Promise<void> {
  const names = await readdir(console);
  await Promise.all(names.map((name) => rm(path.join(console, name), { force: true })));
}

/**
 * Removes what is left of a container that does not run and of which nobody was told; gives whether it did. Where runc has
 * something of it still, its record stays: without one, no later daemon would look.
 */
async function sweep({ stateDir, runc, rebooted, log }: Search, id: string, why: string): Promise<boolean> {
  log.info({ id, why }, 'a container of before is removed');
  // runc would signal whoever has the pid and the tick now, and what is in a cgroup of that name.
  if (rebooted) await rm(path.join(runc.root, id), { recursive: true, force: true });
  else await removeFromRunc(runc, id, log);
  crashPoint('restore.deleted');
  if (await hasState(runc.root, id)) return false;
  await rm(stateDir.container(id), { recursive: true, force: true });
  crashPoint('restore.swept');
  return true;
}

async function removeFromRunc(runc: Runc, id: string, log: Logger): Promise<void> {
  await deleteContainer(runc, id, true).catch((error: unknown) => {
    if (!(error instanceof RuncError && error.notFound))
      log.warn({ err: error, id }, 'runc could not delete it');
  });
}
