import { stat } from 'node:fs/promises';
import type { Logger } from '../log.ts';
import type { Adopted } from '../machines/adopt.ts';
import { INIT, type Notice, UNKNOWN_STATUS } from '../machines/messages.ts';
import { startName, type Told } from './announce.ts';
import { pidFileOf } from './record.ts';
import type { StateDir } from './state-dir.ts';

/** The starts of which the former daemon did not come to tell, or not to note that it had. */
export async function startsUntold(
  stateDir: StateDir,
  adopted: readonly Adopted[],
  told: Told,
): Promise<Notice[]> {
  const started = adopted.flatMap(({ create: { id }, processes }) =>
    processes.filter(({ pid }) => pid !== 0).map(({ process, pid }) => ({ id, process, pid })),
  );
  const untold = await Promise.all(
    started.map(async ({ id, process, pid }): Promise<Notice[]> => {
      const pidFile = pidFileOf(stateDir.container(id), process);
      if (told.starts.has(startName(id, pid)) || !(await isThere(pidFile))) return [];
      return [{ type: process === INIT ? 'start' : 'exec', id, process, pid, status: 0, unixNs: '' }];
    }),
  );
  return untold.flat();
}

/** The ends of processes of which nothing is left but their starts in the journal: nobody knows how they ended. */
export function endsUntold(log: Logger, { alive }: Told, known: ReadonlySet<string>): Notice[] {
  const lost = [...alive.values()].filter(({ id }) => !known.has(id));
  return lost.map((process): Notice => {
    log.warn(process, 'a process has ended that nobody watched: its exit status is not known');
    return { type: 'exit', ...process, status: UNKNOWN_STATUS, unixNs: '' };
  });
}

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );
