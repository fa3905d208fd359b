import { open, rename } from 'node:fs/promises';
import { crashPoint } from '../crash-point.ts';
import { Event } from '../generated/api.ts';
import { bootTick } from '../linux/clock.ts';
import { bootId } from './boot.ts';
import { openBehind, openIfThere, type Reading, unlessMissing } from './journal-files.ts';
import { endOf, lineOf } from './journal-lines.ts';
import { emptyRoster, type Roster, takeIn } from './roster.ts';
import { RosterCall } from './roster-call.ts';

/**
 * The journal of events: one JSON object a line, in the order of their sequence numbers, appended to `events.jsonl`.
 * It is bounded: before a file outgrows half the size it becomes `events.1.jsonl`, in the place of the one before.
 * A line that a crash has torn is passed over. Among the events is a roster now and then, from which a daemon reads on.
 *
 * While a disk refuses what is to be written it waits here, starts and exits however many: there are no more of them than
 * processes, of which none is started where `blocked` says why. Of all else no more waits than MAX_UNWRITTEN: it is left
 * out, and a `gap` with the number of the last event left out is written in its place.
 */

/** The time of day, which may be set to anything, and the time since boot, in milliseconds; the latter in ticks, too. */
type Clock = { wallMs: () => number; monotonicMs: () => number; bootTick: () => bigint };

export type JournalOptions = {
  /** Path of the newer file; the older one lies beside it. */
  file: string;
  /** What both files together may take. */
  maxBytes: number;
  /** What is older than this is not replayed. */
  maxAgeMs: number;
  clock?: Partial<Clock>;
  /** Called when events could not be written, and once they can be again. */
  onTrouble: (error: Error | undefined) => void;
};

export type Journal = {
  /** The number of the last event appended, in this run or a former one. */
  lastSequence(): bigint;
  /** Appends an event; resolves with true once it is in the file, with false if it is left out, or the journal closed. */
  append(event: Event): Promise<boolean>;
  /** Why nothing should be done now that has to be in the journal; undefined where there is no reason. */
  blocked(): string | undefined;
  /**
   * Every event kept from the first on that happened at `sinceNs` (unix nanoseconds) or later, in the order in which
   * they were told: what was told after it may have happened a little before, or while the clock was behind.
   */
  read(sinceNs: bigint): AsyncGenerator<Event>;
  /** Every event kept that has a higher number, however old. */
  readAfter(sequence: bigint): AsyncGenerator<Event>;
  /** What a daemon has to know as it starts. Where it is read before anything is appended, there are rosters from then on. */
  recall(): Promise<Recall>;
  /** Writes what is still to be written, but does not wait for a disk that refuses it. */
  close(): Promise<void>;
};

/** The events that follow the last roster, all that are kept where there is none. */
export type Recall = {
  /** Who runs after the last of them that was read. */
  roster: Roster;
  /** Whether all that is kept of a process is among the events, where it began at that clock tick. */
  covers: (startTime: bigint | undefined) => boolean;
  /** To be read to their end. */
  events: AsyncGenerator<Event>;
};

const SYSTEM_CLOCK: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  bootTick,
};
const NS_PER_MS = 1_000_000n;
/** How long to wait before a disk that refused is tried again. */
const RETRY_MS = 500;

/** How many events wait for a disk that does not take them. */
export const MAX_UNWRITTEN = 4096;
/** What the next daemon could not do without. */
const KEPT = new Set(['start', 'exec', 'exit']);

type Unwritten = { event: Event; line: string; settle: (written: boolean) => void };

/** Opens the journal, and finds out where it ended. */
export async function openJournal({
  file,
  maxBytes,
  maxAgeMs,
  onTrouble,
  ...options
}: JournalOptions): Promise<Journal> {
  const clock = { ...SYSTEM_CLOCK, ...options.clock };
  const [wallMs, monotonicMs] = [clock.wallMs(), clock.monotonicMs()];
  /** A clock that is set forward makes nothing old that is not. */
  const nowMs = () => Math.min(clock.wallMs(), wallMs + clock.monotonicMs() - monotonicMs);

  const older = file.replace(/(\.jsonl)?$/, '.1$1');
  const maxFileBytes = maxBytes / 2;
  const boot = await bootId();
  let handle = await open(file, 'a+', 0o600);
  let bytes = (await handle.stat()).size;
  /** Whether the file ends within a line, which a crash has torn. */
  let { sequence, torn } = await endOf(handle);
  const former = await openIfThere(older);
  if (former !== undefined) {
    const end = await endOf(former).finally(() => former.close());
    if (end.sequence > sequence) sequence = end.sequence;
  }

  const lastOfFormer = sequence;
  /** What is in flight is the head of it. */
  let unwritten: Unwritten[] = [];
  /** How many of it are in flight. */
  let inFlight = 0;
  let trouble: Error | undefined;
  let writing: Promise<void> | undefined;
  let closing = false;
  let wake = () => {};

  const rosterCall = new RosterCall(() => ({ boot, tick: clock.bootTick() }), maxFileBytes);

  const hasRoom = (byteLength: number): boolean => bytes + byteLength <= maxFileBytes;

  /** Goes on in a new file. */
  async function rotate(): Promise<void> {
    await rename(file, older).catch(unlessMissing);
    crashPoint('journal.renamed');
    const next = await open(file, 'a+', 0o600);
    const former = handle;
    handle = next;
    bytes = 0;
    torn = false;
    // What it says then is of what has been written, and has been told.
    await former.close().catch(() => {});
  }

  async function write(text: string): Promise<void> {
    const whole = torn ? `\n${text}` : text;
    try {
      await handle.appendFile(whole);
    } catch (error) {
      // What was written in part is taken back: it will be written again.
      await handle.truncate(bytes).catch(async () => {
        torn = true;
        // Where it ends is where the next one is taken back to.
        bytes = (await handle.stat().catch(() => ({ size: bytes }))).size;
      });
      throw error;
    }
    bytes += Buffer.byteLength(whole);
    torn = false;
  }

  /** Has a roster follow what was written, where it is time for one and there is room. */
  async function callRoster(written: readonly Unwritten[], bytes: number): Promise<void> {
    const line = rosterCall.next(
      written.map(({ event }) => event),
      bytes,
    );
    if (line === undefined || !hasRoom(Buffer.byteLength(line))) return;
    // A disk that refuses it refuses the next event as well, and that is told.
    await write(line).then(
      () => rosterCall.written(),
      () => {},
    );
    crashPoint('journal.roster-written');
  }

  /** As much of what waits as the file has room for, but one event at least. */
  function nextBatch(): Unwritten[] {
    let batchBytes = 0;
    const end = unwritten.findIndex(({ line }, n) => {
      batchBytes += Buffer.byteLength(line);
      return n > 0 && !hasRoom(batchBytes);
    });
    return unwritten.slice(0, end < 0 ? undefined : end);
  }

  /** Writes batch after batch until nothing waits: what comes while one is written goes into the next. */
  async function drain(): Promise<void> {
    for (let next = unwritten[0]; next !== undefined; next = unwritten[0]) {
      try {
        if (bytes > 0 && !hasRoom(Buffer.byteLength(next.line))) await rotate();
        const batch = nextBatch();
        crashPoint('journal.writing');
        inFlight = batch.length;
        const text = batch.map(({ line }) => line).join('');
        await write(text);
        crashPoint('journal.written');
        unwritten = unwritten.slice(batch.length);
        inFlight = 0;
        for (const { settle } of batch) settle(true);
        trouble = undefined;
        onTrouble(undefined);
        await callRoster(batch, Buffer.byteLength(text));
      } catch (error) {
        trouble = error as Error;
        onTrouble(trouble);
        if (closing) break;
        await pause();
      } finally {
        inFlight = 0;
      }
    }
    writing = undefined;
  }

  /** Waits for the next try, which is at once when the journal is closed. */
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  /** One gap stands for all that is left out at a stretch. */
  function leaveOut({ timestamp, sequence }: Event): void {
    const event = Event.fromPartial({ type: 'gap', timestamp, sequence });
    const isGap = unwritten.length > inFlight && unwritten.at(-1)?.event.type === 'gap';
    unwritten.splice(isGap ? -1 : unwritten.length, 1, { event, line: lineOf(event), settle: () => {} });
  }

  const readBehind = (fits: (roster: Roster) => boolean): Promise<Reading> =>
    openBehind(
      { newer: file, older },
      fits,
      unwritten.map(({ event }) => event),
    );

  async function* readFrom(from: bigint): AsyncGenerator<Event> {
    const { events } = await readBehind(({ latestNs }) => latestNs < from);
    let reached = false;
    for await (const event of events) {
      reached ||= event.timestamp >= from;
      if (reached) yield event;
    }
  }

  async function* readAfter(sequence: bigint): AsyncGenerator<Event> {
    const { events } = await readBehind((roster) => roster.sequence <= sequence);
    for await (const event of events) if (event.sequence > sequence) yield event;
  }

  async function recall(): Promise<Recall> {
    const { written, bytes, events } = await readBehind(() => true);
    const { roster, moment } = written ?? { roster: emptyRoster() };
    async function* taken(): AsyncGenerator<Event> {
      for await (const event of events) {
        takeIn(roster, event);
        yield event;
      }
      if (sequence === lastOfFormer) rosterCall.begin(roster, bytes);
    }
    const covers = (startTime = 0n) =>
      moment === undefined || (moment.boot === boot && startTime > moment.tick);
    return { roster, covers, events: taken() };
  }

  return {
    lastSequence: () => sequence,
    blocked: () =>
      unwritten.length < MAX_UNWRITTEN ? undefined : (trouble?.message ?? 'the disk does not keep up'),
    append(event) {
      sequence = event.sequence;
      if (closing) return Promise.resolve(false);
      if (unwritten.length >= MAX_UNWRITTEN && !KEPT.has(event.type)) {
        leaveOut(event);
        return Promise.resolve(false);
      }
      return new Promise((settle) => {
        unwritten.push({ event, line: lineOf(event), settle });
        writing ??= drain();
      });
    },
    read(sinceNs) {
      const oldest = BigInt(Math.floor(nowMs() - maxAgeMs)) * NS_PER_MS;
      return readFrom(sinceNs > oldest ? sinceNs : oldest);
    },
    readAfter,
    recall,
    async close() {
      closing = true;
      wake();
      await writing;
      for (const { settle } of unwritten) settle(false);
      await handle.close();
    },
  };
}
