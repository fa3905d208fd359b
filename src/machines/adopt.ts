import type { SnapshotFrom } from 'xstate';
import type { containerMachine } from './container.ts';
import { OOM_WATCH } from './container-actions.ts';
import type { ContainerContext, ProcessEntry } from './container-model.ts';
import type { CreateRequest } from './messages.ts';
import type { processMachine } from './process.ts';
import type { LaunchInput, LaunchKind } from './process-model.ts';

/** A container of a former daemon that runs still, or is being started; plain data, made from what the shim and runc say. */
export type Adopted = {
  create: CreateRequest;
  status: 'launching' | 'running' | 'paused';
  /** Init first; pid 0 for one that is being launched. */
  processes: ProcessEntry[];
  /** The number of the last exec that was given a name. */
  execs: number;
  /** The kernel's count of OOM kills when subscribers were last told of one. */
  oomKills: number;
};

type ProcessSnapshot = SnapshotFrom<typeof processMachine>;

/** A process that runs or is being launched, as XState would have persisted it. */
function processSnapshot({ create }: Adopted, { process, spec, pid, startTime }: ProcessEntry) {
  const { id, bundlePath, inherited, stdio } = create;
  const launch: LaunchKind = { kind: 'adopt' };
  const context: ProcessSnapshot['context'] = {
    id,
    process,
    bundlePath,
    spec,
    inherited,
    stdio,
    launch,
    launched: { pid, startTime },
    reaped: 0,
    exit: { status: 255, unixNs: '' },
    unanswered: [],
  };
  const common = { status: 'active', context, historyValue: {} };
  if (pid !== 0) return { ...common, value: { running: 'alive' }, children: {} };
  const input: LaunchInput = { id, process, bundlePath, spec, inherited, stdio, launch };
  const children = { launch: { src: 'launch', snapshot: { status: 'active', input }, syncSnapshot: false } };
  return { ...common, value: { created: 'launching' }, children };
}

const VALUES = {
  launching: { created: { launching: 'starting' } },
  running: { running: 'steady' },
  paused: { paused: 'steady' },
};

/**
 * The snapshot in which a container's actor goes on. What is begun again in it is the watch for OOM kills, and a
 * launch, which asks the shim for the outcome of the one that is in flight.
 */
export function adoptedSnapshot(adopted: Adopted): SnapshotFrom<typeof containerMachine> {
  const { create, status, processes, execs, oomKills } = adopted;
  const context: ContainerContext = {
    id: create.id,
    bundlePath: create.bundlePath,
    create,
    processes,
    execs,
    operation: null,
    pending: [],
    exit: null,
    initPid: processes[0]?.pid ?? 0,
    oomKills,
    failure: null,
  };
  const oomWatch = {
    src: 'oomWatch',
    snapshot: { status: 'active', input: { id: create.id } },
    syncSnapshot: false,
  };
  const children = Object.fromEntries([
    ...processes.map((entry) => [
      entry.process,
      { src: 'process', snapshot: processSnapshot(adopted, entry), syncSnapshot: false },
    ]),
    // One that is being launched has it once it runs.
    ...(status === 'launching' ? [] : [[OOM_WATCH, oomWatch]]),
  ]);
  const snapshot: unknown = {
    status: 'active',
    value: VALUES[status],
    context,
    children,
    historyValue: {},
  };
  return snapshot as SnapshotFrom<typeof containerMachine>;
}
