import type { Event } from '../generated/api.ts';
import { isText, isUint32, uint64 } from './journal-lines.ts';

/**
 * Who was told to run, up to an event. Among the events the journal has a line of it every now and then, so that a daemon
 * need not read what is before: `{"roster":"NUMBER",…}`, which is no event.
 */
export type Roster = {
  /** The number of the last event that it takes in. */
  sequence: bigint;
  /** The latest time of any of them (unix nanoseconds); the clock may have been set back since. */
  latestNs: bigint;
  /** The processes whose start was told and whose exit was not, by `startName`, in start order. */
  running: Map<string, { id: string; pid: number }>;
  /** Containers that were told to be paused, and not to be resumed. */
  paused: Set<string>;
};

/** A clock tick of a boot of the host: a process that began after it had no event before. */
export type Moment = { boot: string; tick: bigint };

export type WrittenRoster = { roster: Roster; moment: Moment };

export const startName = (id: string, pid: number): string => `${id}/${pid}`;

export const emptyRoster = (): Roster => ({
  sequence: 0n,
  latestNs: 0n,
  running: new Map(),
  paused: new Set(),
});

/** Takes in the next event. */
export function takeIn(roster: Roster, { type, id, pid, timestamp, sequence }: Event): void {
  const { running, paused } = roster;
  roster.sequence = sequence;
  if (timestamp > roster.latestNs) roster.latestNs = timestamp;
  if (type === 'start' || type === 'exec') running.set(startName(id, pid), { id, pid });
  if (type === 'exit') running.delete(startName(id, pid));
  if (type === 'pause') paused.add(id);
  if (type === 'resume' || type === 'start') paused.delete(id);
  if (type === 'exit' && paused.has(id) && ![...running.values()].some((it) => it.id === id))
    paused.delete(id);
}

/** What a line of a roster begins with, the end of the line before it included: no text within an event has that. */
export const ROSTER_MARK = Buffer.from('\n{"roster":');

/** The line of a roster; `moment` is the present. */
export const lineOfRoster = (
  { sequence, latestNs, running, paused }: Roster,
  { boot, tick }: Moment,
): string =>
  `${JSON.stringify({
    roster: String(sequence),
    latest: String(latestNs),
    boot,
    tick: String(tick),
    running: [...running.values()].map(({ id, pid }) => [id, pid]),
    paused: [...paused],
  })}\n`;

/** The roster of a line; undefined where it is torn, or none. */
export function rosterOfLine(line: string): WrittenRoster | undefined {
  try {
    const { roster, latest, boot, tick, running, paused } = JSON.parse(line);
    const isOurs = isText(boot) && running.every(isProcess) && paused.every(isText);
    if (!isOurs) return undefined;
    return {
      roster: {
        sequence: uint64(roster),
        latestNs: uint64(latest),
        running: new Map(
          running.map(([id, pid]: [string, number]) => [startName(id, pid), { id, pid }] as const),
        ),
        paused: new Set(paused),
      },
      moment: { boot, tick: uint64(tick) },
    };
  } catch {
    return undefined;
  }
}

const isProcess = (it: unknown): boolean =>
  Array.isArray(it) && it.length === 2 && isText(it[0]) && isUint32(it[1]);
