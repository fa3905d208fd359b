import { crashPoint } from '../crash-point.ts';
import type { Errands } from '../errands/errands.ts';
import type { Logger } from '../log.ts';
import { INIT, type Notice } from '../machines/messages.ts';
import type { ShimClient, ShimProcess } from '../shim/client.ts';
import type { EventHub } from './event-hub.ts';
import type { Journal } from './journal.ts';
import { forgetExecErrand, pidFileOf } from './record.ts';
import { createStartNotes } from './start-notes.ts';
import type { StateDir } from './state-dir.ts';

export type AnnounceOptions = {
  hub: EventHub;
  shim: () => ShimClient;
  errands: Errands;
  stateDir: StateDir;
  log: Logger;
};

/** Tells subscribers and the journal what happens, starts and exits once. */
export type Announcer = {
  announce(notice: Notice): void;
  /** Exits that are in the journal already, when they were, by `startName`: of processes whose exits are still to come. */
  leaveOut(exits: Iterable<readonly [name: string, unixNs: string]>): void;
  /** Resolves once what has been told, of one container or of all, is in the journal, and left behind nowhere else. */
  settled(id?: string): Promise<void>;
};

/** The shim keeps an exit until it is in the journal, so that none is lost in between. */
export function createAnnouncer({ hub, shim, errands, stateDir, log }: AnnounceOptions): Announcer {
  const told = new Map<string, string>();
  const notes = createStartNotes(errands);
  /** By container. */
  const settling = new Map<string, Set<Promise<void>>>();
  const settle = (id: string, work: Promise<void>): void => {
    const others = settling.get(id) ?? new Set();
    settling.set(id, others.add(work));
    void work.then(() => {
      others.delete(work);
      if (others.size === 0) settling.delete(id);
    });
  };

  /** One whose shim is gone comes without the time at which it was. */
  function isTold({ id, pid, unixNs }: Notice): boolean {
    const name = startName(id, pid);
    const at = told.get(name);
    told.delete(name);
    return at !== undefined && (unixNs === '' || unixNs === at);
  }

  async function forget({ id, process }: Notice, written: Promise<boolean>): Promise<void> {
    if (!(await written)) return;
    crashPoint('announce.exit-told');
    try {
      if (process !== INIT) await errands(forgetExecErrand(stateDir.container(id), process));
      crashPoint('announce.exec-forgotten');
      await shim().ack({ container: id, process });
      crashPoint('announce.acked');
    } catch (err) {
      log.warn({ err, id, process }, 'an exit could not be acknowledged');
    }
  }

  /** The pid file says to the next daemon that somebody may not have been told: then it asks the journal. */
  async function noteStarted({ id, process }: Notice, written: Promise<boolean>): Promise<void> {
    if (!(await written)) return;
    crashPoint('announce.start-told');
    await notes
      .remove(pidFileOf(stateDir.container(id), process))
      .catch((err: unknown) => log.warn({ err, id, process }, 'a start could not be noted as told'));
    crashPoint('announce.start-noted');
  }

  return {
    announce(notice) {
      if (notice.type === 'exit' && notice.process !== '') {
        settle(notice.id, forget(notice, isTold(notice) ? Promise.resolve(true) : hub.publish(notice)));
      } else {
        const written = hub.publish(notice);
        if (notice.type === 'start' || notice.type === 'exec')
          settle(notice.id, noteStarted(notice, written));
      }
    },
    leaveOut(exits) {
      for (const [name, unixNs] of exits) told.set(name, unixNs);
    },
    async settled(id) {
      const all = id === undefined ? [...settling.values()] : [settling.get(id) ?? []];
      await notes.hurry(Promise.all(all.flatMap((it) => [...it])));
    },
  };
}

export const startName = (id: string, pid: number): string => `${id}/${pid}`;

/** What the journal has. */
export type Told = {
  /** Of some containers, by `startName`: the last exit of each that has not been started again, and when it was; starts. */
  exits: Map<string, string>;
  starts: Set<string>;
  /** Of all: the processes whose start was told and whose exit was not, by `startName`, in start order. */
  open: Map<string, { id: string; pid: number }>;
  /** Of some containers: those that were told to be paused, and not to be resumed. */
  paused: Set<string>;
  /** How many containers were started after the event of a number. */
  startsSince: number;
};

/** What was told already: a daemon may have ended between telling and noting it, or before it told of an end. */
export async function toldOf(journal: Journal, ids: ReadonlySet<string>, since: bigint): Promise<Told> {
  const told: Told = {
    exits: new Map(),
    starts: new Set(),
    open: new Map(),
    paused: new Set(),
    startsSince: 0,
  };
  for await (const { type, id, pid, timestamp, sequence } of journal.readAll()) {
    if (type === 'start' && sequence > since) told.startsSince += 1;
    if (type === 'pause' && ids.has(id)) told.paused.add(id);
    if (type === 'resume' || type === 'start') told.paused.delete(id);
    if (type === 'exit') {
      told.open.delete(startName(id, pid));
      if (ids.has(id)) told.exits.set(startName(id, pid), String(timestamp));
    }
    if (type === 'start' || type === 'exec') {
      told.open.set(startName(id, pid), { id, pid });
      told.exits.delete(startName(id, pid));
      if (ids.has(id)) told.starts.add(startName(id, pid));
    }
  }
  return told;
}

/** Of the exits that were told, those that are still to come by way of the shim, which has the processes. */
export const exitsHeld = (held: readonly ShimProcess[], { exits }: Told): [name: string, unixNs: string][] =>
  held.flatMap(({ key, pid }) => {
    const name = startName(key.container, pid);
    const unixNs = exits.get(name);
    return unixNs === undefined ? [] : [[name, unixNs]];
  });
