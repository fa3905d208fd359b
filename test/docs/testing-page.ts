import { readFile } from 'node:fs/promises';

/** What docs/testing.md says, in one line: the tests hold its figures against their own. */
export const testingPage = (
  await readFile(new URL('../../docs/testing.md', import.meta.url), 'utf8')
).replaceAll(/\s+/g, ' ');

/** A count as the docs have it: `3,375`. */
export const figure = (count: number): string => count.toLocaleString('en');
