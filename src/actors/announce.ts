import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../log.ts';
import type { Notice } from '../machines/messages.ts';
import type { ShimClient, ShimProcess } from '../shim/client.ts';
import type { EventHub } from './event-hub.ts';
import type { Journal } from './journal.ts';
import type { StateDir } from './state-dir.ts';

export type AnnounceOptions = {
  hub: EventHub;
  shim: () => ShimClient;
  stateDir: StateDir;
  log: Logger;
};

/** Tells subscribers and the journal what happens, an exit once. */
export type Announcer = {
  announce(notice: Notice): void;
  /** Exits that are in the journal already, by `exitName`. */
  leaveOut(exits: Iterable<string>): void;
  /** Resolves once the shim has heard of all exits that have been told and are in the journal, which is closed. */
  settled(): Promise<void>;
};

/** The shim keeps an exit until it is in the journal, so that none is lost in between. */
export function createAnnouncer({ hub, shim, stateDir, log }: AnnounceOptions): Announcer {
  const told = new Set<string>();
  const forgetting = new Set<Promise<void>>();

  async function forget({ id, process }: Notice, written: Promise<boolean>): Promise<void> {
    if (!(await written)) return;
    try {
      await rm(path.join(stateDir.container(id), `${process}.json`), { force: true });
      await shim().ack({ container: id, process });
    } catch (err) {
      log.warn({ err, id, process }, 'an exit could not be acknowledged');
    }
  }

  return {
    announce(notice) {
      if (notice.type !== 'exit') {
        void hub.publish(notice);
        return;
      }
      const known = told.delete(exitName(notice.id, notice.pid, notice.unixNs));
      const forgotten = forget(notice, known ? Promise.resolve(true) : hub.publish(notice));
      forgetting.add(forgotten);
      void forgotten.then(() => forgetting.delete(forgotten));
    },
    leaveOut(exits) {
      for (const exit of exits) told.add(exit);
    },
    async settled() {
      await Promise.all(forgetting);
    },
  };
}

const exitName = (id: string, pid: number, unixNs: string): string => `${id}/${pid}/${unixNs}`;

/** The exits of these processes that are in the journal already: a daemon ended between telling and acknowledging. */
export async function exitsTold(journal: Journal, processes: readonly ShimProcess[]): Promise<Set<string>> {
  const told = new Set<string>();
  if (processes.length === 0) return told;
  const ids = new Set(processes.map(({ key }) => key.container));
  for await (const { type, id, pid, timestamp } of journal.read(0n)) {
    if (type === 'exit' && ids.has(id)) told.add(exitName(id, pid, String(timestamp)));
  }
  return told;
}
