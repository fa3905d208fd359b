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
