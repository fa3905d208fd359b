import { rm } from 'node:fs/promises';
import { crashPoint } from '../crash-point.ts';
import type { Logger } from '../log.ts';
import { INIT, type Notice } from '../machines/messages.ts';
import type { ShimClient } from '../shim/client.ts';
import type { EventHub } from './event-hub.ts';
import type { Journal } from './journal.ts';
import { pidFileOf, removeExec } from './record.ts';
import type { StateDir } from './state-dir.ts';

export type AnnounceOptions = {
  hub: EventHub;
  shim: () => ShimClient;
  stateDir: StateDir;
  log: Logger;
};

/** Tells subscribers and the journal what happens, starts and exits once. */
export type Announcer = {
  announce(notice: Notice): void;
  /** Exits that are in the journal already, by `exitName`. */
  leaveOut(exits: Iterable<string>): void;
  /** Resolves once what has been told and is in the journal is left behind nowhere else. */
  settled(): Promise<void>;
};

/** The shim keeps an exit until it is in the journal, so that none is lost in between. */
export function createAnnouncer({ hub, shim, stateDir, log }: AnnounceOptions): Announcer {
  const told = new Set<string>();
  const settling = new Set<Promise<void>>();
  const settle = (work: Promise<void>): void => {
    settling.add(work);
    void work.then(() => settling.delete(work));
  };

  async function forget({ id, process }: Notice, written: Promise<boolean>): Promise<void> {
    if (!(await written)) return;
    crashPoint('announce.exit-told');
    try {
      await removeExec(stateDir.container(id), process);
      crashPoint('announce.exec-forgotten');
      await shim().ack({ container: id, process });
      crashPoint('announce.acked');
    } catch (err) {
      log.warn({ err, id, process }, 'an exit could not be acknowledged');
    }
  }

  /** The pid file says to the next daemon that nobody has been told. */
  async function noteStarted({ id, process }: Notice, written: Promise<boolean>): Promise<void> {
    if (!(await written)) return;
    crashPoint('announce.start-told');
    await rm(pidFileOf(stateDir.container(id), process), { force: true }).catch((err: unknown) =>
      log.warn({ err, id, process }, 'a start could not be noted as told'),
    );
    crashPoint('announce.start-noted');
  }

  return {
    announce(notice) {
      if (notice.type === 'exit') {
        const known = told.delete(exitName(notice.id, notice.pid, notice.unixNs));
        settle(forget(notice, known ? Promise.resolve(true) : hub.publish(notice)));
      } else {
        const written = hub.publish(notice);
        if (notice.type === 'start' || notice.type === 'exec') settle(noteStarted(notice, written));
      }
    },
    leaveOut(exits) {
      for (const exit of exits) told.add(exit);
    },
    async settled() {
      await Promise.all(settling);
    },
  };
}

const exitName = (id: string, pid: number, unixNs: string): string => `${id}/${pid}/${unixNs}`;
export const startName = (id: string, pid: number): string => `${id}/${pid}`;

/** A process of which a start was told: `init`, or an exec, whose name the journal has not. */
export type Started = { id: string; process: string; pid: number };

/**
 * What the journal has: of some containers exits by `exitName` and starts by `startName`; of all, by `startName` too, the
 * processes that were last told to have started, not to have ended.
 */
export type Told = {
  exits: ReadonlySet<string>;
  starts: ReadonlySet<string>;
  alive: ReadonlyMap<string, Started>;
};

/** What was told already: a daemon may have ended between telling and noting it. */
export async function toldOf(journal: Journal, ids: ReadonlySet<string>): Promise<Told> {
  const [exits, starts, alive] = [new Set<string>(), new Set<string>(), new Map<string, Started>()];
  for await (const { type, id, pid, timestamp } of journal.read(0n)) {
    const name = startName(id, pid);
    if (type === 'exit') {
      alive.delete(name);
      if (ids.has(id)) exits.add(exitName(id, pid, String(timestamp)));
    }
    if (type === 'start' || type === 'exec') {
      alive.set(name, { id, process: type === 'start' ? INIT : 'exec', pid });
      if (ids.has(id)) starts.add(name);
    }
  }
  return { exits, starts, alive };
}
