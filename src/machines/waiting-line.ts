/**
 * Who waits for a turn, first come first, by id. Plain data that is never changed: each step gives another, of which it
 * copies a chunk and a bucket and not all, so that it costs the same however many wait.
 */
export type WaitingLine = {
  /** The turn of whoever comes next. */
  next: number;
  /** Which chunk of turns is the first of `chunks`. */
  base: number;
  /** In the order of their turns, TURNS in a chunk, less those who have left; the first is not empty. */
  chunks: readonly (readonly Waiting[])[];
  /** The same by a hash of the id, to find one. */
  buckets: readonly (readonly Waiting[])[];
};

type Waiting = { id: string; turn: number };

const TURNS = 128;
const BUCKETS = 128;

/** A line in which nobody waits. */
export const NOBODY: WaitingLine = { next: 0, base: 0, chunks: [], buckets: [] };

/** Who is next; undefined where nobody waits. */
export const firstOf = ({ chunks }: WaitingLine): string | undefined => chunks[0]?.[0]?.id;

/** All who wait, in order. */
export const waitingIn = ({ chunks }: WaitingLine): string[] => chunks.flat().map(({ id }) => id);

/** The line with one more at its end, who is not in it yet. */
export function joined({ next, base, chunks, buckets }: WaitingLine, id: string): WaitingLine {
  const waiting = { id, turn: next };
  return {
    next: next + 1,
    base,
    chunks: replaced(chunks, chunkOf(next) - base, (chunk) => [...chunk, waiting]),
    buckets: replaced(buckets, bucketOf(id), (bucket) => [...bucket, waiting]),
  };
}

/** The line without one, who need not be in it. */
export function left(line: WaitingLine, id: string): WaitingLine {
  const gone = line.buckets[bucketOf(id)]?.find((it) => it.id === id);
  if (gone === undefined) return line;
  const without = (all: readonly Waiting[]) => all.filter((it) => it !== gone);
  const chunks = replaced(line.chunks, chunkOf(gone.turn) - line.base, without);
  const passed = chunks.findIndex((chunk) => chunk.length > 0);
  if (passed < 0) return NOBODY;
  return {
    next: line.next,
    base: line.base + passed,
    chunks: chunks.slice(passed),
    buckets: replaced(line.buckets, bucketOf(id), without),
  };
}

const chunkOf = (turn: number): number => Math.floor(turn / TURNS);

/** FNV-1a. */
function bucketOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % BUCKETS;
}

/** The pieces with another in one place, which may lie beyond their end. */
const replaced = (
  pieces: readonly (readonly Waiting[])[],
  at: number,
  change: (piece: readonly Waiting[]) => readonly Waiting[],
): readonly (readonly Waiting[])[] =>
  Array.from({ length: Math.max(pieces.length, at + 1) }, (_, n) =>
    n === at ? change(pieces[n] ?? []) : (pieces[n] ?? []),
  );
