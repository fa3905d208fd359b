import type { ContainerView } from '../actors/system.ts';
import type { Container, StateResponse } from '../generated/api.ts';

/** This machine, as `State` describes it; memory is the total in bytes. */
export type MachineInfo = { id: string; cpus: number; memoryBytes: bigint };

const containerOf = ({ id, bundlePath, status, processes }: ContainerView): Container => ({
  id,
  name: id,
  bundlePath,
  status,
  // A process that is being launched has no pid yet: nobody can have been told of it.
  processes: processes.filter(({ pid }) => pid !== 0).map(({ pid, spec }) => ({ pid, ...spec })),
});

/** The answer to `State`. */
export const stateResponse = (
  containers: readonly ContainerView[],
  { id, cpus, memoryBytes }: MachineInfo,
): StateResponse => ({
  containers: containers.map(containerOf),
  machine: { id, cpus, memory: memoryBytes },
});
