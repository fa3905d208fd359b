import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Event } from '../generated/api.ts';

/**
 * The journal of events: one JSON object a line, in the order of their sequence numbers, appended to `events.jsonl`.
 * It is bounded: a file that has grown to half the size becomes `events.1.jsonl`, in the place of the one before.
 * A line that a crash has torn is passed over.
 */

export type JournalOptions = {
  /** Path of the newer file; the older one lies beside it. */
  file: string;
  /** What both files together may take. */
  maxBytes: number;
  /** What is older than this is not replayed. */
  maxAgeMs: number;
  /** Called when events could not be written, and once they can be again. */
  onTrouble: (error: Error | undefined) => void;
};

export type Journal = {
  /** The number of the last event appended, in this run or a former one. */
  lastSequence(): bigint;
  /** Appends an event; resolves once it is in the file, however long the disk is full. */
  append(event: Event): Promise<void>;
  /** Every event kept that happened at `sinceNs` (unix nanoseconds) or later, oldest first. */
  read(sinceNs: bigint): AsyncGenerator<Event>;
  /** Writes what is still to be written. */
  close(): Promise<void>;
};

const NS_PER_MS = 1_000_000n;
/** How long to wait before a disk that refused is tried again. */
const RETRY_MS = 500;

/** One line: numbers beyond 2^53 as strings, what is empty left out. */
const lineOf = ({ sequence, timestamp, ...event }: Event): string => {
  const { type, id, pid, status, checkpoint } = event;
  return `${JSON.stringify({
    sequence: String(sequence),
    timestamp: String(timestamp),
    type,
    id,
    ...(pid !== 0 && { pid }),
    ...(status !== 0 && { status }),
    ...(checkpoint && { checkpoint }),
  })}\n`;
};

/** The event of a line, or undefined where the line is torn or not ours. */
export function eventOfLine(line: string): Event | undefined {
  try {
    const { sequence, timestamp, ...rest } = JSON.parse(line);
    return Event.fromPartial({ ...rest, sequence: BigInt(sequence), timestamp: BigInt(timestamp) });
  } catch {
    return undefined;
  }
}

async function* eventsIn(file: string): AsyncGenerator<Event> {
  if ((await stat(file).catch(() => undefined)) === undefined) return;
  const lines = createInterface({
    input: createReadStream(file, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const line of lines) {
    const event = eventOfLine(line);
    if (event !== undefined) yield event;
  }
}

/** Opens the journal, and finds out where it ended. */
export async function openJournal({ file, maxBytes, maxAgeMs, onTrouble }: JournalOptions): Promise<Journal> {
  const older = file.replace(/(\.jsonl)?$/, '.1$1');
  let sequence = 0n;
  for (const name of [older, file]) {
    for await (const event of eventsIn(name)) if (event.sequence > sequence) sequence = event.sequence;
  }

  let handle: FileHandle = await open(file, 'a', 0o600);
  let bytes = (await handle.stat()).size;
  /** A write that failed half-way may have left half a line. */
  let torn = bytes > 0;
  let pending: { line: string; written: () => void }[] = [];
  let writing: Promise<void> | undefined;

  async function rotate(): Promise<void> {
    await handle.close();
    await rename(file, older);
    handle = await open(file, 'a', 0o600);
    bytes = 0;
    torn = false;
  }

  async function write(text: string): Promise<void> {
    for (;;) {
      try {
        const { bytesWritten } = await handle.appendFile(torn ? `\n${text}` : text).then(() => ({
          bytesWritten: Buffer.byteLength(text) + (torn ? 1 : 0),
        }));
        bytes += bytesWritten;
        torn = false;
        if (bytes > maxBytes / 2) await rotate();
        return onTrouble(undefined);
      } catch (error) {
        torn = true;
        onTrouble(error as Error);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }

  /** Writes batch after batch until nothing waits: what comes while one is written goes into the next. */
  async function drain(): Promise<void> {
    while (pending.length > 0) {
      const batch = pending;
      pending = [];
      await write(batch.map(({ line }) => line).join(''));
      for (const { written } of batch) written();
    }
    writing = undefined;
  }

  return {
    lastSequence: () => sequence,
    append(event) {
      sequence = event.sequence;
      return new Promise((written) => {
        pending.push({ line: lineOf(event), written });
        writing ??= drain();
      });
    },
    async *read(sinceNs) {
      await writing;
      const oldest = BigInt(Date.now() - maxAgeMs) * NS_PER_MS;
      const from = sinceNs > oldest ? sinceNs : oldest;
      let last = 0n;
      for (const name of [older, file]) {
        for await (const event of eventsIn(name)) {
          if (event.timestamp < from || event.sequence <= last) continue;
          last = event.sequence;
          yield event;
        }
      }
    },
    async close() {
      await writing;
      await handle.close();
    },
  };
}
