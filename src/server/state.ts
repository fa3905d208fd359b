import type { ContainerView } from '../actors/listed.ts';
import { type Container, StateResponse } from '../generated/api.ts';

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

/** Each container as it was encoded, for as long as its view lasts: between two polls few have changed. */
const encoded = new WeakMap<ContainerView, Uint8Array>();

function encodedOf(view: ContainerView): Uint8Array {
  const known = encoded.get(view);
  if (known !== undefined) return known;
  const bytes = StateResponse.encode({ containers: [containerOf(view)], machine: undefined }).finish();
  encoded.set(view, bytes);
  return bytes;
}

/** The answer to `State`, encoded: messages of Protobuf one after the other are one that has the fields of them all. */
export const stateResponse = (
  containers: readonly ContainerView[],
  { id, cpus, memoryBytes }: MachineInfo,
): Uint8Array =>
  Buffer.concat([
    ...containers.map(encodedOf),
    StateResponse.encode({ containers: [], machine: { id, cpus, memory: memoryBytes } }).finish(),
  ]);
