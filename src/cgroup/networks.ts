import { readlinkSync } from 'node:fs';
import { isShortage } from '../errors.ts';
import { Stats } from '../generated/messages/api.ts';
import { readProcessStat } from '../linux/process-stat.ts';
import type { KernelFile, KernelFiles } from './kernel-files.ts';
import { parseNetDev } from './net-dev.ts';
import { remember } from './part.ts';

/** A container's init, by host pid and start time (clock ticks, in decimal). */
export type Init = { pid: number; startTime: string };

/** The network interfaces of one container. */
export type Network = {
  /** What they have counted, as `Stats` of api.proto; nothing where init was gone at first. Throws as `KernelFile.read`. */
  stats(): Uint8Array;
  close(): void;
};

/** The network interfaces of all containers: those that share a network namespace, as with the host, have the same. */
export type Networks = {
  of(init: Init): Network;
  /** Numbers that were read before are not given any more. */
  next(): void;
};

type Namespace = {
  /** By any of them the same is read. */
  files: Set<KernelFile>;
  read: () => string | undefined;
  stats: () => Uint8Array;
  round: number;
  last: Uint8Array;
};

const NOTHING = new Uint8Array();
const NO_NETWORK: Network = { stats: () => NOTHING, close: () => {} };
/** What each part of a sample says nothing of. */
export const NO_STATS: Stats = { network_stats: [], cgroup_stats: undefined, timestamp: 0n };

/**
 * The network namespace that init is in (namespaces(7)), undefined where there is no init; a name of its own where we may
 * not know which, for want of CAP_SYS_PTRACE. Throws where the host has nothing to look with.
 */
function namespaceOf({ pid, startTime }: Init): string | undefined {
  let name = `${pid} ${startTime}`;
  try {
    name = readlinkSync(`/proc/${pid}/ns/net`);
  } catch (error) {
    if (isShortage(error)) throw error;
  }
  // Its own: the pid is another process's once init has ended and it is used again.
  return String(readProcessStat(pid)?.startTime) === startTime ? name : undefined;
}

/** Opens what tells of networks. */
export function createNetworks(files: KernelFiles): Networks {
  const namespaces = new Map<string, Namespace>();
  let round = 0;

  function create(): Namespace {
    const members = new Set<KernelFile>();
    const read = (): string | undefined => {
      for (const file of members) {
        const text = file.read();
        if (text !== undefined) return text;
      }
      return undefined;
    };
    const stats = remember(
      (part) => Stats.encode({ ...NO_STATS, network_stats: parseNetDev(part.read('', 'net/dev')) }).finish(),
      { open: () => ({ read }), names: () => [] },
    );
    return { files: members, read, stats, round: -1, last: NOTHING };
  }

  /** How to read a namespace, and to do so no longer. */
  function join(name: string, init: Init): Network {
    const known = namespaces.get(name);
    // One of which nobody is left may have given its number to another.
    const namespace = known?.read() === undefined ? create() : known;
    namespaces.set(name, namespace);
    const file = files.open(`/proc/${init.pid}/net/dev`, () => namespaceOf(init) === name);
    namespace.files.add(file);
    return {
      stats() {
        if (namespace.round !== round) {
          namespace.last = namespace.stats();
          namespace.round = round;
        }
        return namespace.last;
      },
      close() {
        file.close();
        namespace.files.delete(file);
        if (namespace.files.size === 0 && namespaces.get(name) === namespace) namespaces.delete(name);
      },
    };
  }

  function networkOf(init: Init): Network {
    const name = namespaceOf(init);
    return name === undefined ? NO_NETWORK : join(name, init);
  }

  return {
    of(init) {
      let network: Network | undefined;
      return {
        stats() {
          network ??= networkOf(init);
          return network.stats();
        },
        close: () => network?.close(),
      };
    },
    next() {
      round += 1;
    },
  };
}
