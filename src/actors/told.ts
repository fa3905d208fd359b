import type { Event } from '../generated/api.ts';
import type { Logger } from '../log.ts';
import type { ShimProcess } from '../shim/client.ts';
import type { Journal } from './journal.ts';
import { startName } from './roster.ts';

/** What was told already: a daemon may have ended between telling and noting it, or before it told of an end. */

/** What was told of a process, or of the last one with its id and pid. */
export type Life = {
  started: boolean;
  /** When its exit was (unix nanoseconds), if that was told and it has not been started again. */
  exitNs: string | undefined;
};

export type Told = {
  /** The processes whose start was told and whose exit was not, by `startName`, in start order. */
  open: ReadonlyMap<string, { id: string; pid: number }>;
  /** Containers that were told to be paused, and not to be resumed. */
  paused: ReadonlySet<string>;
  /** What was told of a process, of a container that was asked for; `startTime` is its clock tick, where that is known. */
  of(process: { id: string; pid: number; startTime?: bigint }): Promise<Life>;
};

type Lives = Map<string, Life>;

const UNTOLD: Life = { started: false, exitNs: undefined };

/**
 * Finds out what the journal has, of the processes of the containers `ids`. It is read from its last roster on, and once more
 * from its beginning where it may have told of a process before that.
 */
export async function toldOf(
  journal: Pick<Journal, 'recall' | 'readAfter'>,
  ids: ReadonlySet<string>,
  log: Logger,
): Promise<Told> {
  const { roster, covers, events } = await journal.recall();
  const lives: Lives = new Map(
    [...roster.running.keys()].map((name) => [name, { started: true, exitNs: undefined }]),
  );
  for await (const event of events) if (ids.has(event.id)) live(lives, event);

  let allLives: Promise<Lives> | undefined;
  async function readAll(): Promise<Lives> {
    const all: Lives = new Map();
    for await (const event of journal.readAfter(0n)) if (ids.has(event.id)) live(all, event);
    return all;
  }

  return {
    open: new Map(roster.running),
    paused: new Set(roster.paused),
    async of({ id, pid, startTime }) {
      const name = startName(id, pid);
      const life = lives.get(name);
      if (life !== undefined || covers(startTime)) return life ?? UNTOLD;
      if (allLives === undefined)
        log.info({ id, pid }, 'the journal is read whole, for what it has of a process');
      allLives ??= readAll();
      return (await allLives).get(name) ?? UNTOLD;
    },
  };
}

function live(lives: Lives, { type, id, pid, timestamp }: Event): void {
  const name = startName(id, pid);
  if (type === 'start' || type === 'exec') lives.set(name, { started: true, exitNs: undefined });
  if (type === 'exit')
    lives.set(name, { started: lives.get(name)?.started ?? false, exitNs: String(timestamp) });
}

/** How many containers were started after the event of a number. */
export async function startsAfter(journal: Pick<Journal, 'readAfter'>, sequence: bigint): Promise<number> {
  let starts = 0;
  for await (const { type } of journal.readAfter(sequence)) if (type === 'start') starts += 1;
  return starts;
}

/** Of the exits that were told, those that are still to come by way of the shim, which has the processes. */
export async function exitsHeld(
  held: readonly ShimProcess[],
  told: Pick<Told, 'of'>,
): Promise<[name: string, unixNs: string][]> {
  const exits = held.map(async ({ key: { container: id }, pid, startTime }) => {
    const { exitNs } = await told.of({ id, pid, startTime });
    return exitNs === undefined ? [] : [[startName(id, pid), exitNs] as [string, string]];
  });
  return (await Promise.all(exits)).flat();
}
