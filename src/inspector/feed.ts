import { setTimeout } from 'node:timers/promises';
import { familyOf, familySteps } from '../history/family.ts';
import type { Recorded, Step } from '../history/recorded.ts';
import type { Recorder } from '../history/recorder.ts';
import type { CountsAt, StateCounts } from '../history/state-counts.ts';
import { rowOf, stepRowOf } from './rows.ts';
import type { StepRow, ToPage } from './wire.ts';

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

/** `due`: it is to be told what is kept of its family. `beginnings`: how often it was told all anew. */
type Page = { outlet: Outlet; behind: boolean; family: string; due: boolean; beginnings: number };
type Happened = { actor: Recorded; step: Step };
type Family = { of: Recorded; pages: Set<Page>; pending: Happened[] };

/** Changes of this long are told together: a state that was passed meanwhile is in the steps alone. */
const TICK_MS = 100;
/** A page that has this much unread is told nothing more; once it has read it, it is told all anew. */
const MAX_UNREAD_BYTES = 4 * 2 ** 20;
/** How much of what there is it may have unread before it is told more of that. */
const MAX_AHEAD_BYTES = 2 ** 18;
/** Rows that are put into one message, before other work has its turn. */
const ROWS = 1000;
/** Of steps no more are told at a time than the newest: so many, and of that many characters. */
const [MAX_STEPS, MAX_STEPS_SIZE] = [1024, 2 ** 20];

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
  /** Of the counts the last one that was told, and where it was. */
  let told: { at: number; last: CountsAt | undefined } = { at: 0, last: undefined };

  const text = (message: ToPage | StepRow): string => JSON.stringify(message);

  function start(): void {
    unlisten = recorder.listen({
      stepped(actor, step) {
        changed.add(actor);
        // They take no step of their own where it has failed.
        if (actor.goneMs !== 0) for (const child of actor.children) changed.add(child);
        const pending = families.get(familyOf(actor).session)?.pending;
        if (pending === undefined) return;
        pending.push({ actor, step });
        if (pending.length > 2 * MAX_STEPS) pending.splice(0, MAX_STEPS);
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
    // Those of an actor that is forgotten would come back after.
    for (const family of families.values()) tellSteps(family);
    if (changed.size > 0 || forgotten.size > 0) {
      const rows = [...changed].map(rowOf);
      const nowMs = Date.now();
      send(pages, { type: 'actors', reset: false, whole: false, rows, forgotten: [...forgotten], nowMs });
      changed.clear();
      forgotten.clear();
    }
    tellCounts();
  }

  function tellCounts(): void {
    const { samples } = counts;
    const last = samples.at(-1);
    if (last === undefined || last === told.last) return;
    // Itself it may be another now; where it is elsewhere, some before it have been left out.
    const from = samples[told.at]?.atMs === told.last?.atMs ? told.at : 0;
    send(pages, { type: 'counts', reset: from === 0, samples: samples.slice(from) });
    told = { at: samples.length - 1, last };
  }

  function tellSteps(family: Family): void {
    const { of, pending, pages: readers } = family;
    const isDue = [...readers].filter(({ due }) => due);
    const others = [...readers].filter(({ due }) => !due);
    family.pending = [];
    for (const page of isDue) page.due = false;
    if (pending.length > 0 && others.length > 0) {
      const rows = newestOf(pending);
      send(others, { type: 'steps', of: of.session, reset: rows.length < pending.length, rows });
    }
    if (isDue.length === 0) return;
    send(isDue, { type: 'steps', of: of.session, reset: true, rows: newestOf(familySteps(of)) });
  }

  /** As many as one message takes. */
  function newestOf(steps: readonly Happened[]): StepRow[] {
    const rows: StepRow[] = [];
    let left = MAX_STEPS_SIZE;
    for (const { actor, step } of steps.slice(-MAX_STEPS).toReversed()) {
      const row = stepRowOf(actor, step, { secrets });
      left -= text(row).length;
      if (left < 0 && rows.length > 0) break;
      rows.push(row);
    }
    return rows.reverse();
  }

  function send(to: Iterable<Page>, message: ToPage): void {
    const line = text(message);
    for (const page of to) if (!page.behind) page.outlet.send(line);
  }

  /** What a page that comes, or that was behind, is told first. */
  async function tellAll(page: Page): Promise<void> {
    page.behind = false;
    page.due = true;
    page.beginnings += 1;
    const { beginnings } = page;
    const isTold = (): boolean => pages.has(page) && !page.behind && page.beginnings === beginnings;
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
      while (isTold() && page.outlet.bufferedAmount > MAX_AHEAD_BYTES) await setTimeout(TICK_MS);
      if (!isTold()) return;
    }
    flush(true);
  }

  function unwatch(page: Page): void {
    const family = families.get(page.family);
    family?.pages.delete(page);
    if (family?.pages.size === 0) families.delete(page.family);
    page.family = '';
  }

  return {
    join(outlet) {
      const page: Page = { outlet, behind: false, family: '', due: false, beginnings: 0 };
      if (pages.size === 0) start();
      pages.add(page);
      void tellAll(page);
      return {
        watch(session) {
          unwatch(page);
          const actor = recorder.actor(session);
          if (actor === undefined) return;
          const of = familyOf(actor);
          const family = families.get(of.session) ?? { of, pages: new Set(), pending: [] };
          families.set(of.session, family);
          family.pages.add(page);
          page.family = of.session;
          page.due = true;
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
