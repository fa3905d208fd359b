import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { settleCheckpoints } from '../checkpoints/store.ts';
import type { Logger } from '../log.ts';
import type { Adopted } from '../machines/adopt.ts';
import { INIT, type Notice, UNKNOWN_EXIT } from '../machines/messages.ts';
import type { ShimProcess } from '../shim/client.ts';
import { startName, type Told } from './announce.ts';
import { pidFileOf } from './record.ts';
import type { StateDir } from './state-dir.ts';

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

/** The starts of which the former daemon did not come to tell, or not to note that it had. */
export async function startsUntold(
  stateDir: StateDir,
  adopted: readonly Adopted[],
  { starts }: Told,
): Promise<Notice[]> {
  const started = adopted.flatMap(({ create: { id }, processes }) =>
    processes.filter(({ pid }) => pid !== 0).map(({ process, pid }) => ({ id, process, pid })),
  );
  const untold = await Promise.all(
    started.map(async ({ id, process, pid }): Promise<Notice[]> => {
      const pidFile = pidFileOf(stateDir.container(id), process);
      if (!(await isThere(pidFile))) return [];
      if (starts.has(startName(id, pid))) {
        await rm(pidFile, { force: true });
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
 * one whose start is not in the journal any more, a pause may not be either.
 */
export const changesUntold = (adopted: readonly Adopted[], { starts, paused }: Told): Notice[] =>
  adopted.flatMap(({ create: { id }, status, processes }): Notice[] => {
    const pid = processes.find(({ process }) => process === INIT)?.pid ?? 0;
    if (!starts.has(startName(id, pid)) || (status === 'paused') === paused.has(id)) return [];
    const type = status === 'paused' ? 'pause' : 'resume';
    return [{ type, id, process: INIT, pid, status: 0, unixNs: '', adopted: true }];
  });

/**
 * The starts of processes that the shim has, though nothing else is left of their containers: they have ended, and their
 * exits are still to be told, which nobody is to hear of without a start. `leftAlone` as for `endsUntold`.
 */
export function straysUntold(
  adopted: readonly Adopted[],
  held: readonly ShimProcess[],
  leftAlone: ReadonlySet<string>,
  { starts }: Told,
): Notice[] {
  const there = new Set([...leftAlone, ...adopted.map(({ create }) => create.id)]);
  return held.flatMap(({ key: { container: id, process }, pid }): Notice[] => {
    if (there.has(id) || starts.has(startName(id, pid))) return [];
    const type = process === INIT ? 'start' : 'exec';
    return [{ type, id, process, pid, status: 0, unixNs: '', adopted: true }];
  });
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
