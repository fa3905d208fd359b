import { setTimeout } from 'node:timers/promises';
import { familyOf, familySteps } from '../history/family.ts';
import type { Recorded, Step } from '../history/recorded.ts';
import type { Recorder } from '../history/recorder.ts';
import type { StateCounts } from '../history/state-counts.ts';
import { rowOf, stepRowOf } from './rows.ts';
import type { ToPage } from './wire.ts';

/** The way to one page; what a WebSocket is to the feed. */
export type Outlet = {
  send(text: string): void;
  /** Bytes that its reader has not taken yet. */
  readonly bufferedAmount: number;
};

/** One page that looks on. */
export type Watcher = {
  /** Has it told the steps of this actor and its family, from what is kept of them. */
  watch(session: string): void;
  leave(): void;
};

export type Feed = {
  join(outlet: Outlet): Watcher;
  readonly watchers: number;
  end(): void;
};

type Page = { outlet: Outlet; behind: boolean; family: string };
type Family = {
  of: Recorded;
  pages: Set<Page>;
  pending: { actor: Recorded; step: Step }[];
  overflow: boolean;
};

/** Changes of this long are told together: a state that was passed meanwhile is in the steps alone. */
const TICK_MS = 100;
/** A page that has this much unread is told nothing more; once it has read it, it is told all anew. */
const MAX_UNREAD_BYTES = 4 * 2 ** 20;
/** How much of what there is it may have unread before it is told more of that. */
const MAX_AHEAD_BYTES = 2 ** 18;
/** Rows that are put into one message, before other work has its turn. */
const ROWS = 1000;
/** Steps of a family within a tick; beyond, it is told what is kept instead. */
const MAX_PENDING = 256;

export type FeedOptions = { id: string; recorder: Recorder; counts: StateCounts; secrets: boolean };

/**
 * Tells pages what happens to the actors. What changes is put into text once for all pages, ten times a second at
 * most, and only while there is somebody to be told.
 */
export function createFeed({ id, recorder, counts, secrets }: FeedOptions): Feed {
  const pages = new Set<Page>();
  const families = new Map<string, Family>();
  const changed = new Set<Recorded>();
  const forgotten = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let unlisten = () => {};
  let told = counts.samples.at(-1);

  const text = (message: ToPage): string => JSON.stringify(message);

  function start(): void {
    unlisten = recorder.listen({
      stepped(actor, step) {
        changed.add(actor);
        const family = families.get(familyOf(actor).session);
        if (family === undefined) return;
        if (family.pending.length < MAX_PENDING) family.pending.push({ actor, step });
        else family.overflow = true;
      },
      forgotten(actor) {
        changed.delete(actor);
        forgotten.add(actor.session);
      },
    });
    timer = setInterval(tick, TICK_MS);
  }
  function stop(): void {
    clearInterval(timer);
    unlisten();
    changed.clear();
    forgotten.clear();
  }

  function tick(): void {
    for (const page of pages) {
      if (page.outlet.bufferedAmount > MAX_UNREAD_BYTES) page.behind = true;
      else if (page.behind && page.outlet.bufferedAmount === 0) void tellAll(page);
    }
    if (changed.size > 0 || forgotten.size > 0) {
      const rows = [...changed].map(rowOf);
      const nowMs = Date.now();
      send(pages, { type: 'actors', reset: false, whole: false, rows, forgotten: [...forgotten], nowMs });
      changed.clear();
      forgotten.clear();
    }
    const last = counts.samples.at(-1);
    if (last !== undefined && last !== told) send(pages, { type: 'counts', reset: false, samples: [last] });
    told = last;
    for (const family of families.values()) {
      if (family.overflow) tellFamily(family, family.pages);
      else if (family.pending.length > 0) {
        const rows = family.pending.map(({ actor, step }) => stepRowOf(actor, step, { secrets }));
        send(family.pages, { type: 'steps', of: family.of.session, reset: false, rows });
      }
      family.pending = [];
      family.overflow = false;
    }
  }

  function send(to: Iterable<Page>, message: ToPage): void {
    const line = text(message);
    for (const page of to) if (!page.behind) page.outlet.send(line);
  }

  const isTold = (page: Page): boolean => pages.has(page) && !page.behind;

  /** What a page that comes, or that was behind, is told first. */
  async function tellAll(page: Page): Promise<void> {
    page.behind = false;
    send([page], { type: 'welcome', id, secrets, nowMs: Date.now() });
    send([page], { type: 'counts', reset: true, samples: [...counts.samples] });
    let reset = true;
    let rows: ReturnType<typeof rowOf>[] = [];
    const flush = (whole: boolean) => {
      send([page], { type: 'actors', reset, whole, rows, forgotten: [], nowMs: Date.now() });
      reset = false;
      rows = [];
    };
    if (recorder.supervisor !== undefined) rows.push(rowOf(recorder.supervisor));
    for (const container of recorder.containers()) {
      rows.push(rowOf(container), ...container.children.map(rowOf));
      if (rows.length < ROWS) continue;
      flush(false);
      // No more than it reads: what waits for it would soon be too much, and all of it be told anew.
      await setTimeout(0);
      while (isTold(page) && page.outlet.bufferedAmount > MAX_AHEAD_BYTES) await setTimeout(TICK_MS);
      if (!isTold(page)) return;
    }
    flush(true);
    // Another may have been chosen meanwhile.
    const family = families.get(page.family);
    if (family !== undefined) tellFamily(family, [page]);
  }

  function tellFamily(family: Family, to: Iterable<Page>): void {
    const rows = familySteps(family.of).map(({ actor, step }) => stepRowOf(actor, step, { secrets }));
    send(to, { type: 'steps', of: family.of.session, reset: true, rows });
  }

  function unwatch(page: Page): void {
    const family = families.get(page.family);
    family?.pages.delete(page);
    if (family?.pages.size === 0) families.delete(page.family);
    page.family = '';
  }

  return {
    join(outlet) {
      const page: Page = { outlet, behind: false, family: '' };
      if (pages.size === 0) start();
      pages.add(page);
      void tellAll(page);
      return {
        watch(session) {
          unwatch(page);
          const actor = recorder.actor(session);
          if (actor === undefined) return;
          const of = familyOf(actor);
          const family = families.get(of.session) ?? { of, pages: new Set(), pending: [], overflow: false };
          families.set(of.session, family);
          family.pages.add(page);
          page.family = of.session;
          tellFamily(family, [page]);
        },
        leave() {
          unwatch(page);
          if (pages.delete(page) && pages.size === 0) stop();
        },
      };
    },
    get watchers() {
      return pages.size;
    },
    end() {
      pages.clear();
      families.clear();
      stop();
    },
  };
}
