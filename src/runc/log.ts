import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Enough of a log for its last words, however long it has become. */
const END_BYTES = 64 * 1024;

/** The last words of a log file of runc's; empty where there is none, or something else in its place. */
export async function lastWordsIn(file: string): Promise<string> {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  const handle = await open(file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW).catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const info = await handle.stat();
    if (!info.isFile()) return '';
    const start = Math.max(0, info.size - END_BYTES);
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(info.size - start),
      position: start,
    });
    const text = buffer.toString('utf8', 0, bytesRead);
    return lastWords(start === 0 ? text : text.slice(text.indexOf('\n') + 1));
  } catch {
    return '';
  } finally {
    await handle.close();
  }
}

/**
 * The last thing that runc said was wrong: the `msg` of its last error line (`--log-format json`), or else the last
 * line of plain text, which is how a runc that died early or is none at all ends.
 */
export function lastWords(log: string): string {
  let last = '';
  for (const line of log.split('\n')) {
    if (line.trim() === '') continue;
    const entry = parseLine(line);
    if (entry === undefined) last = line.trim();
    else if (entry.level === 'error' || entry.level === 'fatal') last = entry.msg;
  }
  return last;
}

function parseLine(line: string): { level: string; msg: string } | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null || !('msg' in entry)) return undefined;
    return { level: 'level' in entry ? String(entry.level) : '', msg: String(entry.msg) };
  } catch {
    return undefined;
  }
}
