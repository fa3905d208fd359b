import type { EventObject } from 'xstate';
import { INIT, type Notice, type ShimExited } from '../machines/messages.ts';

/**
 * The whole system as data: the charts' states, the messages between them that are in flight, the effects that have
 * begun, the kernel's processes, and the clients that wait for an answer. A move gives the next world.
 */

/** Who acts: the supervisor (empty), a container, or one of its processes. */
export type Address = { id: string; process: string };
export type Message = { from: Address; to: Address; event: EventObject };
/** Something that is being done for an actor. */
export type Effect = { of: Address; name: string; src: string };

/** Of a container that no daemon has. */
export const NO_STATE = -1;

export type Container = {
  state: number;
  /** States of the processes' charts, by their names. */
  processes: Record<string, number>;
  /** Processes of the kernel: being launched, alive, or dead, of which somebody is still to be told. */
  kernel: Record<string, 'launching' | 'alive' | 'dead'>;
  /** Whether its freezer has it. */
  frozen: boolean;
  oom: OomKills;
};

/** How often the kernel has killed in a container for want of memory. */
export type OomKills = {
  kills: number;
  /** How many the daemon has heard of by watching, and how many subscribers have been told of. */
  heard: number;
  told: number;
  /** Processes that were killed so, of whose exit nobody was told: by then so many have to be told. */
  victims: Record<string, number>;
};
export const NO_OOM_KILLS: OomKills = { kills: 0, heard: 0, told: 0, victims: {} };

export type Client = {
  /** The request that it waits for, and of which container; null for none. */
  asked: { requestId: string; id: string; cancelled: boolean } | null;
  /** Alternates, so that a second answer to a former request is not taken for the one to the next. */
  turn: 0 | 1;
};

export type World = {
  supervisor: number;
  containers: Record<string, Container>;
  effects: readonly Effect[];
  flight: readonly Message[];
  clients: readonly Client[];
  /** Containers that are gone, of whose init's exit nobody has been told. */
  owed: readonly string[];
  /** How often the daemon was told to end, and whether it has. */
  stops: number;
  ended: boolean;
  /** How many processes were killed for want of memory. */
  oomKills: number;
  /** What has gone wrong in this world. */
  wrong: readonly string[];
  /** What subscribers were told in the move that led here. */
  told: readonly Notice[];
};

const PIDS_FROM = 100;

export const pidOf = (process: string): number =>
  process === INIT ? PIDS_FROM : PIDS_FROM + Number(process.slice('exec-'.length));

/** The shim has reaped a process. */
export const exitOf = ({ id, process }: Address): ShimExited => ({
  type: 'shim.exited',
  id,
  process,
  pid: pidOf(process),
  status: process === INIT ? 137 : 0,
  unixNs: '1',
});

/** The world, of which something is wrong. */
export const wrong = (world: World, what: string): World => ({ ...world, wrong: [...world.wrong, what] });

/** The world with a container that is another; the same world where it is gone. */
export function withContainer(world: World, id: string, change: Partial<Container>): World {
  const container = world.containers[id];
  if (container === undefined) return world;
  return { ...world, containers: { ...world.containers, [id]: { ...container, ...change } } };
}

export const without = <T>(record: Record<string, T>, key: string): Record<string, T> => {
  const { [key]: _, ...rest } = record;
  return rest;
};
