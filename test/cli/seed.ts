import { readFileSync } from 'node:fs';

/** What README.md of containerd 0.0.4 shows for a command: its help, or what it prints. */
export const seed = (name: string): string =>
  readFileSync(new URL(`./fixtures/seed/${name}.txt`, import.meta.url), 'utf8');

/** The lines of `text` that `shown` does not have; all of `shown` must be there, in its order. */
export function linesBeyond(text: string, shown: string): string[] {
  const rest = shown.split('\n');
  return text.split('\n').filter((line) => {
    if (line !== rest[0]) return true;
    rest.shift();
    return false;
  });
}
