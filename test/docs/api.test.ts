import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { APIService } from '../../src/generated/api.ts';
import { InspectService } from '../../src/generated/inspect.ts';

const root = new URL('../../', import.meta.url);

it('docs/api.md is what the protos say', async () => {
  const script = fileURLToPath(new URL('scripts/api-doc.mjs', root));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  expect(await readFile(new URL('docs/api.md', root), 'utf8')).toBe(stdout);
});

it('docs/api.md has every service of the socket, with all of its methods', async () => {
  const page = await readFile(new URL('docs/api.md', root), 'utf8');
  for (const methods of [APIService, InspectService].map(Object.values)) {
    for (const { path } of methods) {
      const [, service, method] = path.split('/');
      expect(page).toContain(`[${service}](#`);
      expect(page).toContain(`\n| ${method} | `);
    }
  }
});
