import { readFile, rename, writeFile } from 'node:fs/promises';

/**
 * How many containers have been started on a state dir, by former daemons too. The journal has each start, but not for
 * ever; so the count is written down from time to time with the number of the last event that is in it, and a daemon
 * that comes back adds those that the journal has since. None is lost by a kill, and nothing waits for a disk.
 */
export type StartCount = {
  readonly count: number;
  /** The number of the last event that the count had taken in when it was written down. */
  readonly sequence: bigint;
  add(starts: number): void;
  /** Writes the count down, unless it is; `sequence` is the number of the last event in it. */
  save(sequence: bigint): Promise<void>;
};

/** Reads the count; one that is missing or torn begins at 0, with what the journal has. */
export async function openStartCount(file: string): Promise<StartCount> {
  const kept = parse(await readFile(file, 'utf8').catch(() => ''));
  let { count } = kept;
  let saved = kept;
  let saving = Promise.resolve();

  async function write(now: typeof kept): Promise<void> {
    if (saved.count === now.count && saved.sequence === now.sequence) return;
    const text = `${JSON.stringify({ ...now, sequence: String(now.sequence) })}\n`;
    await writeFile(`${file}.new`, text, { mode: 0o600 });
    await rename(`${file}.new`, file);
    saved = now;
  }
  return {
    get count() {
      return count;
    },
    sequence: kept.sequence,
    add(starts) {
      count += starts;
    },
    save(sequence) {
      const now = { count, sequence };
      // One after the other: they share the new file.
      saving = saving.catch(() => {}).then(() => write(now));
      return saving;
    },
  };
}

function parse(text: string): { count: number; sequence: bigint } {
  try {
    const { count, sequence } = JSON.parse(text);
    if (Number.isSafeInteger(count) && count >= 0 && /^\d+$/.test(sequence)) {
      return { count, sequence: BigInt(sequence) };
    }
  } catch {
    // As if it were not there.
  }
  return { count: 0, sequence: 0n };
}
