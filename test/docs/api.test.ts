import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);

it('docs/api.md is what proto/api.proto says', async () => {
  const script = fileURLToPath(new URL('scripts/api-doc.mjs', root));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  expect(await readFile(new URL('docs/api.md', root), 'utf8')).toBe(stdout);
});
