import type { Adopted } from '../machines/adopt.ts';
import type { ProcessEntry } from '../machines/container-model.ts';
import { INIT, type Launched, type Notice } from '../machines/messages.ts';
import type { Restored } from '../machines/supervisor-model.ts';
import type { SimulatedHost, SimulatedRecord } from './simulated-host.ts';
import { type SimulatedLink, UNKNOWN_STATUS } from './simulated-link.ts';
import { SimulatedRunc } from './simulated-runc.ts';
import { nameOf } from './simulated-shim.ts';

/** Which process of which container, as events have it. */
type Told = { id: string; pid: number };

/** When no process was ever started. */
const OF_NOBODY = '-1';

/** What the journal has. */
export type SimulatedTold = {
  isStarted(process: Told): boolean;
  isOver(process: Told): boolean;
  /** What was told to start, and not to end. */
  open: readonly Told[];
};

/** Reads a journal. */
export function toldOf(journal: readonly Notice[]): SimulatedTold {
  const starts = new Set<string>();
  const open = new Map<string, Told>();
  const nameOf = ({ id, pid }: Told): string => `${id}/${pid}`;
  for (const { type, id, pid } of journal) {
    const name = nameOf({ id, pid });
    if (type === 'start' || type === 'exec') {
      starts.add(name);
      open.set(name, { id, pid });
    }
    if (type === 'exit') open.delete(name);
  }
  return {
    isStarted: (process) => starts.has(nameOf(process)),
    isOver: (process) => starts.has(nameOf(process)) && !open.has(nameOf(process)),
    open: [...open.values()],
  };
}

/** Finds out what has become of the containers of a former daemon, from the shim, runc, the kernel and the records. */
export async function simulatedRestore(
  host: SimulatedHost,
  link: SimulatedLink,
  told: SimulatedTold,
): Promise<Restored> {
  const restored: Restored = { adopted: [], untold: [] };
  await Promise.all(
    [...host.records].map(async ([id, record]) => {
      await link.settle(id);
      const adopted = adoptedOf(host, link, { id, record, told });
      if (adopted !== undefined) return restored.adopted.push(adopted);
      const remove = () => link.run(id, new SimulatedRunc(host).delete(id));
      // One that cannot be removed by runc, as shims are lost, is no reason not to take up the others.
      await remove()
        .catch(remove)
        .catch(() => host.sweep(id));
      return host.records.delete(id);
    }),
  );
  restored.untold = [
    ...straysUntold(link, restored.adopted, told),
    ...exitsUntold(link, restored.adopted, told),
    ...restored.adopted.flatMap((adopted) => startsUntold(host, adopted, told)),
  ];
  for (const { path, checkpoint, whole } of host.partials) if (whole) host.checkpoints.set(path, checkpoint);
  host.partials.clear();
  return restored;
}

/** How a container goes on; undefined where it does not run, and nobody was told of it. */
function adoptedOf(
  host: SimulatedHost,
  link: SimulatedLink,
  { id, record, told }: { id: string; record: SimulatedRecord; told: SimulatedTold },
): Adopted | undefined {
  const { create, execs, oomKills } = record;
  const found = link.found.get(nameOf({ id, process: INIT }));
  const entryOf = (process: string, spec: ProcessEntry['spec'], launched: Launched): ProcessEntry => {
    const { pid, startTime } = launched;
    return { process, requestId: '', spec, pid, startTime };
  };
  const launching = (process: string, spec: ProcessEntry['spec']) =>
    entryOf(process, spec, { pid: 0, startTime: '' });
  const orphan = (process: string, spec: ProcessEntry['spec'], launched: Launched) => {
    link.watchOrphan({ id, process, pid: launched.pid, startTime: launched.startTime });
    return entryOf(process, spec, launched);
  };

  if (found === 'starting')
    return {
      create,
      status: 'launching',
      processes: [launching(INIT, create.spec)],
      execs: 0,
      oomKills: 0,
    };
  const container = host.kernel.containers.get(id);
  /** What has been told to have ended has. */
  const isOver = (pid: number) => told.isOver({ id, pid });
  const pid = container === undefined ? endUntold(id, record, told) : undefined;
  const deleted = pid === undefined ? undefined : { pid, startTime: OF_NOBODY };
  const first = container?.started && !isOver(container.first?.pid ?? 0) ? container.first : deleted;
  if (found === undefined && first === undefined) return undefined;
  const init =
    found === undefined
      ? orphan(INIT, create.spec, first ?? { pid: 0, startTime: '' })
      : entryOf(INIT, create.spec, found);
  const others = [...execs].flatMap(([process, { spec, started }]) => {
    const known = link.found.get(nameOf({ id, process }));
    if (known === 'starting') return [launching(process, spec)];
    if (known !== undefined) return [entryOf(process, spec, known)];
    if (started !== undefined) return isOver(started.pid) ? [] : [orphan(process, spec, started)];
    // The former daemon did not come to hear of it.
    const left = container?.processes.get(process);
    if (left === undefined) return [];
    execs.set(process, { spec, started: { pid: left.pid, startTime: left.startTime } });
    return [orphan(process, spec, left)];
  });
  return {
    create,
    status: container?.frozen ? 'paused' : 'running',
    processes: [init, ...others],
    oomKills,
    execs: Math.max(0, ...[...execs.keys()].map((process) => Number(process.slice('exec-'.length)))),
  };
}

/** The pid of a container that has run, of whose end the journal does not have it. */
function endUntold(id: string, { untold }: SimulatedRecord, told: SimulatedTold): number | undefined {
  const open = told.open.find((it) => it.id === id);
  if (open !== undefined) return open.pid;
  const pid = untold.get(INIT);
  return pid === undefined || told.isStarted({ id, pid }) ? undefined : pid;
}

/** The start of a process, as it is told. */
const startOf = (id: string, process: string, pid: number): Notice => ({
  type: process === INIT ? 'start' : 'exec',
  id,
  process,
  pid,
  status: 0,
  unixNs: '',
});

/** The starts of which the former daemon did not come to tell, or not to note that it had. */
const startsUntold = (
  { records }: SimulatedHost,
  { create: { id }, processes }: Adopted,
  told: SimulatedTold,
): Notice[] =>
  processes
    .filter(
      ({ process, pid }) => pid !== 0 && records.get(id)?.untold.has(process) && !told.isStarted({ id, pid }),
    )
    .map(({ process, pid }) => startOf(id, process, pid));

const pidsOf = (adopted: readonly Adopted[]) =>
  adopted.flatMap(({ processes }) => processes.map(({ pid }) => pid));

/** The starts of processes that have ended with their containers, before anybody was told of either. */
function straysUntold({ found }: SimulatedLink, adopted: readonly Adopted[], told: SimulatedTold): Notice[] {
  const known = new Set(pidsOf(adopted));
  return [...found.values()].flatMap((it) =>
    it === 'starting' || known.has(it.pid) || told.isStarted(it) ? [] : [startOf(it.id, it.process, it.pid)],
  );
}

/** The exits of which nobody knows any more but that they were not told. */
function exitsUntold(
  { found }: SimulatedLink,
  adopted: readonly Adopted[],
  { open }: SimulatedTold,
): Notice[] {
  const held = [...found.values()].flatMap((it) => (it === 'starting' ? [] : [it.pid]));
  const known = new Set([...held, ...pidsOf(adopted)]);
  return open
    .filter(({ pid }) => !known.has(pid))
    .map(({ id, pid }) => ({ type: 'exit', id, process: '', pid, status: UNKNOWN_STATUS, unixNs: '' }));
}
