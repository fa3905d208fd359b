import type { Errands } from '../errands/errands.ts';
import type { ProcessEntry } from '../machines/container-model.ts';
import type { ShimProcess } from '../shim/client.ts';
import { holdLeftExec } from './left-exec.ts';
import { forgetExecErrand, readStarted, startedErrand } from './record.ts';
import type { Search } from './restore.ts';
import { endWasTold, undone } from './untold.ts';

/** A disk that does not take what is written down of something is no reason not to take that up. */
export const unwritten =
  ({ log }: Search, about: string) =>
  (err: unknown): void =>
    log.warn({ err, about }, 'what is kept of a former daemon could not be changed');

export const nameOf = (id: string, process: string): string => `${id}/${process}`;

/** What has become of an exec of a former daemon: it runs or is being started; what is left of any other is removed. */
export async function adoptExec(
  search: Search,
  id: string,
  { process, spec }: { process: string; spec: ProcessEntry['spec'] },
): Promise<ProcessEntry | undefined> {
  const folder = search.stateDir.container(id);
  const running = search.running.get(nameOf(id, process));
  if (running !== undefined) {
    await noteStarted(search.errands, folder, process, running).catch(unwritten(search, `${id} ${process}`));
    return entryOf(process, spec, running);
  }
  if (search.starting.has(nameOf(id, process)))
    return { process, requestId: '', spec, pid: 0, startTime: '' };
  const orphan = (await readStarted(folder, process)) ?? (await noteLeftExec(search, id, process));
  if (orphan === undefined) search.undone.push(undone(id, process, 'it did not come to run'));
  if (orphan === undefined || (await endWasTold(search.told, id, orphan))) {
    await search.errands(forgetExecErrand(folder, process)).catch(unwritten(search, `${id} ${process}`));
    return undefined;
  }
  search.watchOrphan({ key: { container: id, process }, ...orphan });
  return entryOf(process, spec, orphan);
}

/** Who an exec is that the shim has, in case that goes too: the former daemon may not have come to write it down. */
async function noteStarted(
  errands: Errands,
  folder: string,
  process: string,
  { pid, startTime }: Pick<ShimProcess, 'pid' | 'startTime'>,
): Promise<void> {
  if ((await readStarted(folder, process)) !== undefined) return;
  await errands(startedErrand(folder, process, { pid, startTime: String(startTime) }));
}

/** An exec that runs, of which the former daemon did not come to hear from a shim that is gone too. */
async function noteLeftExec(
  search: Search,
  id: string,
  process: string,
): Promise<{ pid: number; startTime: bigint } | undefined> {
  const { stateDir, runc, errands } = search;
  const folder = stateDir.container(id);
  const left = await holdLeftExec({ runc: runc.root, folder }, id, process);
  if (left === undefined) return undefined;
  left.held.release();
  const { pid, startTime } = left;
  await errands(startedErrand(folder, process, { pid, startTime: String(startTime) })).catch(
    unwritten(search, `${id} ${process}`),
  );
  return { pid, startTime };
}

export const entryOf = (
  process: string,
  spec: ProcessEntry['spec'],
  { pid, startTime }: { pid: number; startTime: bigint },
): ProcessEntry => ({ process, requestId: '', spec, pid, startTime: String(startTime) });
