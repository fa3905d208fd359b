import { open } from 'node:fs/promises';

/** Enough of CRIU's log to see what it stumbled over. */
const TAIL_BYTES = 2048;

/** The end of a log of CRIU: its last errors where it names any, else its last lines; empty where there is no log. */
export async function endOfCriuLog(file: string): Promise<string> {
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
