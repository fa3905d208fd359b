import { type FileHandle, open } from 'node:fs/promises';
import type { Event } from '../generated/api.ts';
import { eventOfLine, eventsIn } from './journal-lines.ts';
import { ROSTER_MARK, type Roster, rosterOfLine, type WrittenRoster } from './roster.ts';

/** The journal's two files, read from one of their rosters on. */

/** How much of a file is searched at a time for a roster. */
const SEARCH_BYTES = 256 * 1024;
/** How much is read at a time of a roster, and before it of the event that it follows. */
const LINE_BYTES = 32 * 1024;

/** What there is to read. */
export type Reading = {
  /** The roster at which it begins; undefined where it is all that is there. */
  written: WrittenRoster | undefined;
  bytes: number;
  /** Oldest first, each once, and last those that are not in the files yet. To be read, or the files stay open. */
  events: AsyncGenerator<Event>;
};

/**
 * Opens the files, to be read from the last roster that `fits` on, from the beginning where none does. `unwritten` are the
 * events that were not in them before this was called.
 */
export async function openBehind(
  { newer, older }: { newer: string; older: string },
  fits: (roster: Roster) => boolean,
  unwritten: Event[],
): Promise<Reading> {
  // The newer one first: if it becomes the older one meanwhile, it is read twice rather than not at all.
  const handles = [await openIfThere(newer), await openIfThere(older)].filter((it) => it !== undefined);
  const close = () => Promise.all(handles.map((it) => it.close()));
  try {
    const sources: (AsyncIterable<Event[]> | Event[][])[] = [[unwritten]];
    let bytes = 0;
    let written: WrittenRoster | undefined;
    for (const handle of handles) {
      if (written !== undefined) break;
      const { size } = await handle.stat();
      const last = await lastRoster(handle, size, fits);
      written = last.written;
      bytes += size - last.end;
      sources.unshift(eventsIn(handle, last.end));
    }
    return { written, bytes, events: inOrder(sources, written?.roster.sequence ?? 0n, close) };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* inOrder(
  sources: readonly (AsyncIterable<Event[]> | Event[][])[],
  after: bigint,
  close: () => Promise<unknown>,
): AsyncGenerator<Event> {
  let last = after;
  try {
    for (const source of sources) {
      for await (const events of source) {
        for (const event of events) {
          if (event.sequence <= last) continue;
          last = event.sequence;
          yield event;
        }
      }
    }
  } finally {
    await close();
  }
}

/** The last roster of a file that fits, and where it ends; nowhere before the beginning. */
async function lastRoster(
  handle: FileHandle,
  size: number,
  fits: (roster: Roster) => boolean,
): Promise<{ written?: WrittenRoster; end: number }> {
  for (let to = size; to > 0; to -= SEARCH_BYTES) {
    const from = Math.max(0, to - SEARCH_BYTES);
    // A mark may begin here and end behind.
    const bytes = await readAt(handle, from, Math.min(size, to + ROSTER_MARK.length - 1) - from);
    for (let at = bytes.lastIndexOf(ROSTER_MARK); at >= 0; ) {
      const start = from + at + 1;
      const line = await lineAt(handle, start);
      const written = line && rosterOfLine(line.toString());
      if (written && fits(written.roster) && (await follows(handle, start, written.roster)))
        return { written, end: start + line.length };
      at = at === 0 ? -1 : bytes.lastIndexOf(ROSTER_MARK, at - 1);
    }
  }
  return { end: 0 };
}

/** Whether the line before a roster is of the event that it says: it is written right behind that one. */
async function follows(handle: FileHandle, start: number, { sequence }: Roster): Promise<boolean> {
  const from = Math.max(0, start - LINE_BYTES);
  const lines = (await readAt(handle, from, start - from)).toString().trimEnd().split('\n');
  return eventOfLine(lines.at(-1) ?? '')?.sequence === sequence;
}

/** A line with its end; undefined where it has none. */
async function lineAt(handle: FileHandle, start: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  for (let from = start; ; from += LINE_BYTES) {
    const chunk = await readAt(handle, from, LINE_BYTES);
    const end = chunk.indexOf('\n');
    chunks.push(end < 0 ? chunk : chunk.subarray(0, end + 1));
    if (end >= 0) return Buffer.concat(chunks);
    if (chunk.length < LINE_BYTES) return undefined;
  }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(length), position });
  return buffer.subarray(0, bytesRead);
}

/** Opens a file to be read, where there is one. */
export const openIfThere = (file: string): Promise<FileHandle | undefined> =>
  open(file, 'r').catch(unlessMissing);

/** Throws an error that is another than that a file is not there. */
export function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
