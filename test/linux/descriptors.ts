import { readdirSync, readlinkSync } from 'node:fs';

/** The descriptors of a process, this one unless said otherwise, by what they are (`/a/file`, `pipe:[1]`, …), as far as that is asked for. */
export function descriptorsOf(isAsked: (target: string) => boolean, pid: number | 'self' = 'self'): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      const target = readlinkSync(`${folder}/${fd}`);
      return isAsked(target) ? [target] : [];
    } catch {
      // It has been closed since.
      return [];
    }
  });
}
