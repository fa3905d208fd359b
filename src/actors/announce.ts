import { crashPoint } from '../crash-point.ts';
import type { Errands } from '../errands/errands.ts';
import type { Logger } from '../log.ts';
import { INIT, type Notice } from '../machines/messages.ts';
import type { ShimClient } from '../shim/client.ts';
import type { EventHub } from './event-hub.ts';
import { forgetExecErrand, pidFileOf, writeOomKills } from './record.ts';
import { startName } from './roster.ts';
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
  /**
   * Resolves once what has been told, of one container or of all, is in the journal, and left behind nowhere else; undefined
   * where that is so already.
   */
  settled(id?: string): Promise<void> | undefined;
};

/** An exit that has been published, and whether it is in the journal. */
type ToldExit = { unixNs: string; written: Promise<boolean> };

/** The shim keeps an exit until it is in the journal, so that none is lost in between. */
export function createAnnouncer({ hub, shim, errands, stateDir, log }: AnnounceOptions): Announcer {
  /** By `startName`, until they are acknowledged: the shim tells them again wherever its connection is not the same any more. */
  const told = new Map<string, ToldExit>();
  const notes = createStartNotes(errands);
  /** One after the other, so that the last count is what is left. */
  let notingOom = Promise.resolve();
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

  /** Publishes it unless it has been told. One whose shim is gone comes without the time at which it was. */
  function tellOnce(notice: Notice): ToldExit {
    const { unixNs } = notice;
    const name = startName(notice.id, notice.pid);
    const before = told.get(name);
    if (before !== undefined && (unixNs === '' || unixNs === before.unixNs)) return before;
    const exit = { unixNs, written: hub.publish(notice) };
    told.set(name, exit);
    return exit;
  }

  async function forget({ id, process, pid }: Notice, exit: ToldExit): Promise<void> {
    if (!(await exit.written)) return;
    crashPoint('announce.exit-told');
    try {
      if (process !== INIT) await errands(forgetExecErrand(stateDir.container(id), process));
      crashPoint('announce.exec-forgotten');
      await shim().ack({ container: id, process });
      if (told.get(startName(id, pid)) === exit) told.delete(startName(id, pid));
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

  /** Not before the journal has it: what is counted, the next daemon does not tell. */
  async function noteOom(
    { id, kills = 0 }: Notice,
    written: Promise<boolean>,
    before: Promise<void>,
  ): Promise<void> {
    await before;
    if (!(await written)) return;
    try {
      await writeOomKills(stateDir.container(id), kills);
      crashPoint('oom.kept');
    } catch (err) {
      log.warn({ err, id }, 'that an OOM kill was told could not be written down');
    }
  }

  return {
    announce(notice) {
      if (notice.type === 'exit' && notice.process !== '') {
        settle(notice.id, forget(notice, tellOnce(notice)));
        return;
      }
      const written = hub.publish(notice);
      if (notice.type === 'start' || notice.type === 'exec') settle(notice.id, noteStarted(notice, written));
      if (notice.type === 'oom') {
        notingOom = noteOom(notice, written, notingOom);
        settle(notice.id, notingOom);
      }
    },
    leaveOut(exits) {
      for (const [name, unixNs] of exits) told.set(name, { unixNs, written: Promise.resolve(true) });
    },
    settled(id) {
      const works = id === undefined ? [...settling.values()] : [settling.get(id) ?? []];
      const all = works.flatMap((it) => [...it]);
      // A container that is new has the notes of no other hurried.
      return all.length === 0 ? undefined : notes.hurry(Promise.all(all).then(() => {}));
    },
  };
}
