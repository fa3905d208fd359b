import { crashPoint } from '../crash-point.ts';
import type { Logger } from '../log.ts';
import { INIT, type Notice } from '../machines/messages.ts';
import type { ShimClient } from '../shim/client.ts';
import type { EventHub } from './event-hub.ts';
import type { Journal } from './journal.ts';
import { pidFileOf, removeExec } from './record.ts';
import { removeFiles } from './remove.ts';
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
      if (process !== INIT) await removeExec(stateDir.container(id), process);
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
    await removeFiles(pidFileOf(stateDir.container(id), process)).catch((err: unknown) =>
      log.warn({ err, id, process }, 'a start could not be noted as told'),
    );
    crashPoint('announce.start-noted');
  }

  return {
    announce(notice) {
      if (notice.type === 'exit' && notice.process !== '') {
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

/** What the journal has. */
export type Told = {
  /** Of some containers: exits by `exitName`, starts by `startName`. */
  exits: Set<string>;
  starts: Set<string>;
  /** Of all: the processes whose start was told and whose exit was not, by `startName`, in start order. */
  open: Map<string, { id: string; pid: number }>;
  /** How many containers were started after the event of a number. */
  startsSince: number;
};

/** What was told already: a daemon may have ended between telling and noting it, or before it told of an end. */
export async function toldOf(journal: Journal, ids: ReadonlySet<string>, since: bigint): Promise<Told> {
  const told: Told = { exits: new Set(), starts: new Set(), open: new Map(), startsSince: 0 };
  for await (const { type, id, pid, timestamp, sequence } of journal.readAll()) {
    if (type === 'start' && sequence > since) told.startsSince += 1;
    if (type === 'exit') {
      told.open.delete(startName(id, pid));
      if (ids.has(id)) told.exits.add(exitName(id, pid, String(timestamp)));
    }
    if (type === 'start' || type === 'exec') {
      told.open.set(startName(id, pid), { id, pid });
      if (ids.has(id)) told.starts.add(startName(id, pid));
    }
  }
  return told;
}
