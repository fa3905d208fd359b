import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { catalogue } from '../../src/errors.ts';

it('docs/errors.md lists the catalogue, whole and nothing else', async () => {
  const text = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| (\w+) \| ([A-Z_]+) \| `(.*?)` \|/gm)].map(
    ([, name, status, words]) => ({
      name,
      status,
      words,
    }),
  );
  const expected = Object.entries(catalogue).map(([name, [status, words]]) => ({
    name,
    status,
    words: words === '' || words.endsWith(' ') ? `${words}…` : words,
  }));
  expect(rows).toEqual(expected);
});
