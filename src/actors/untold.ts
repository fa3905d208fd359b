import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { settleCheckpoints } from '../checkpoints/store.ts';
import { processStat } from '../linux/process-stat.ts';
import type { Logger } from '../log.ts';
import type { Adopted } from '../machines/adopt.ts';
import { INIT, type Notice, UNKNOWN_EXIT } from '../machines/messages.ts';
import type { ShimProcess } from '../shim/client.ts';
import { readPidFile } from '../shim/pid-file.ts';
import { pidFileOf } from './record.ts';
import { startName } from './roster.ts';
import type { StateDir } from './state-dir.ts';
import type { Told } from './told.ts';

/** What a former daemon did not come to tell of its containers, from what it has left. */

/** A start that came to nothing: what it left has been removed. */
export const undone = (id: string, process: string, why: string): Notice => ({
  type: 'undone',
  id,
  process,
  pid: 0,
  status: 0,
  unixNs: '',
  why,
});

/** Both ends of the life of a container that nobody saw end. */
export const startAndEnd = (id: string, pid: number): Notice[] => {
  const about = { id, process: INIT, pid, status: 0, unixNs: '' };
  return [
    { ...about, type: 'start', adopted: true },
    { ...about, type: 'exit', ...UNKNOWN_EXIT },
  ];
};

/** Whether both ends were told of a process that is there no more. */
export async function endWasTold(
  told: Told,
  id: string,
  { pid, startTime }: { pid: number; startTime: bigint },
): Promise<boolean> {
  const { started, exitNs } = await told.of({ id, pid, startTime });
  const stat = processStat(pid);
  const lives = stat?.startTime === startTime && !stat.ending;
  return started && exitNs !== undefined && !lives;
}

/** The pid of a container that runc came to start, of which nobody was told. */
export async function startedUntold(stateDir: StateDir, told: Told, id: string): Promise<number | undefined> {
  const pid = await readPidFile(pidFileOf(stateDir.container(id), INIT)).catch(() => undefined);
  return pid === undefined || (await told.of({ id, pid })).started ? undefined : pid;
}

/** The pid of a container that has run, of whose end nobody was told. */
export async function endUntold(stateDir: StateDir, told: Told, id: string): Promise<number | undefined> {
  // Its init was there before its execs.
  const open = [...told.open.values()].find((it) => it.id === id);
  return open?.pid ?? startedUntold(stateDir, told, id);
}

/** The starts of which the former daemon did not come to tell, or not to note that it had. */
export async function startsUntold(
  stateDir: StateDir,
  adopted: readonly Adopted[],
  told: Told,
): Promise<Notice[]> {
  const begun = adopted.flatMap(({ create: { id }, processes }) =>
    processes.filter(({ pid }) => pid !== 0).map((it) => ({ ...it, id, startTime: BigInt(it.startTime) })),
  );
  const untold = await Promise.all(
    begun.map(async ({ id, process, pid, startTime }): Promise<Notice[]> => {
      const pidFile = pidFileOf(stateDir.container(id), process);
      if (!(await isThere(pidFile))) return [];
      const { started } = await told.of({ id, pid, startTime });
      if (started) {
        // Where the disk does not let it go, the next daemon asks the journal once more.
        await rm(pidFile, { force: true }).catch(() => {});
        return [];
      }
      const type = process === INIT ? 'start' : 'exec';
      return [{ type, id, process, pid, status: 0, unixNs: '', adopted: true }];
    }),
  );
  return untold.flat();
}

/**
 * The pauses and resumes that the former daemon did not come to tell: what a container was told to be is not what it is. Of
 * one whose start was not told, or is not in the journal any more, that is not known; and of one whose end was told, nothing
 * is to be told after it.
 */
export async function changesUntold(adopted: readonly Adopted[], told: Told): Promise<Notice[]> {
  const changed = adopted.filter(
    ({ create: { id }, status }) => (status === 'paused') !== told.paused.has(id),
  );
  const untold = changed.map(async ({ create: { id }, status, processes }): Promise<Notice[]> => {
    const init = processes.find(({ process }) => process === INIT);
    if (init === undefined || init.pid === 0) return [];
    const { pid } = init;
    const { started, exitNs } = await told.of({ id, pid, startTime: BigInt(init.startTime) });
    if (!started || exitNs !== undefined) return [];
    const type = status === 'paused' ? 'pause' : 'resume';
    return [{ type, id, process: INIT, pid, status: 0, unixNs: '', adopted: true }];
  });
  return (await Promise.all(untold)).flat();
}

/**
 * The starts of processes that the shim has, though nothing else is left of their containers: they have ended, and their
 * exits are still to be told, which nobody is to hear of without a start. `leftAlone` as for `endsUntold`.
 */
export async function straysUntold(
  adopted: readonly Adopted[],
  held: readonly ShimProcess[],
  leftAlone: ReadonlySet<string>,
  told: Told,
): Promise<Notice[]> {
  const there = new Set([...leftAlone, ...adopted.map(({ create }) => create.id)]);
  const strays = held.filter(({ key }) => !there.has(key.container));
  const untold = strays.map(
    async ({ key: { container: id, process }, pid, startTime }): Promise<Notice[]> => {
      const { started } = await told.of({ id, pid, startTime });
      const type = process === INIT ? 'start' : 'exec';
      return started ? [] : [{ type, id, process, pid, status: 0, unixNs: '', adopted: true }];
    },
  );
  return (await Promise.all(untold)).flat();
}

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

/** Settles the checkpoints that were being made in a bundle, and says of each which it was and what became of it. */
export async function checkpointsUntold(
  stateDir: StateDir,
  bundlePath: string,
  log: Logger,
): Promise<Notice[]> {
  try {
    const settled = await settleCheckpoints(bundlePath);
    return settled.flatMap(({ checkpoint, workPath, kept }) => {
      // CRIU worked in the container's folder; a bundle may be another daemon's as well.
      const id = path.basename(path.dirname(workPath));
      if (path.dirname(workPath) !== stateDir.container(id)) return [];
      const about = { id, process: INIT, pid: 0, status: 0, unixNs: '', checkpoint };
      const why = 'the checkpoint was not written to its end';
      return [kept ? { ...about, type: 'checkpoint', adopted: true } : { ...about, type: 'undone', why }];
    });
  } catch (error) {
    log.warn({ err: error, bundlePath }, 'what is left of a checkpoint could not be removed');
    return [];
  }
}

/**
 * The ends of processes whose start was told and which nobody has any more, neither the shim nor any of the containers
 * that have been taken up: execs before the init that was there before them. `leftAlone` are the ids of containers of
 * which nothing is known.
 */
export function endsUntold(
  adopted: readonly Adopted[],
  held: readonly ShimProcess[],
  leftAlone: ReadonlySet<string>,
  { open }: Told,
): Notice[] {
  const there = new Set([
    ...held.map(({ key, pid }) => startName(key.container, pid)),
    ...adopted.flatMap(({ create, processes }) => processes.map(({ pid }) => startName(create.id, pid))),
  ]);
  return [...open.values()]
    .filter(({ id, pid }) => !leftAlone.has(id) && !there.has(startName(id, pid)))
    .map(({ id, pid }): Notice => ({ type: 'exit', id, process: '', pid, unixNs: '', ...UNKNOWN_EXIT }))
    .reverse();
}
