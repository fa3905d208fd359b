import { open } from 'node:fs/promises';
import path from 'node:path';

/** Enough of CRIU's log to see what it stumbled over. */
const TAIL_BYTES = 2048;

/** The log of a dump, in the folder where CRIU works. */
export const dumpLog = (workPath: string): string => path.join(workPath, 'dump.log');

/** What runc adds to an error of CRIU's: the log goes with the container, and its end is shown. */
const LOG_FILE = /\n?log file: \S+$/;

/** What runc said, and then the end of CRIU's log. */
export async function withCriuLog(words: string, file: string): Promise<string> {
  const end = await endOfCriuLog(file);
  return end === '' ? words : `${words.replace(LOG_FILE, '')}\n${end}`;
}

/** The end of a log of CRIU: its last errors where it names any, else its last lines; empty where there is no log. */
async function endOfCriuLog(file: string): Promise<string> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - TAIL_BYTES * 8);
    const buffer = Buffer.alloc(size - start);
    await handle.read(buffer, 0, buffer.length, start);
    const lines = buffer.toString('utf8').trimEnd().split('\n');
    const errors = lines.filter((line) => line.includes('Error ('));
    return (errors.length > 0 ? errors : lines).join('\n').slice(-TAIL_BYTES);
  } finally {
    await handle.close();
  }
}
