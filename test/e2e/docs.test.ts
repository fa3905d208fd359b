import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { examplesIn } from '../docs/examples.ts';
import { runExamples } from '../docs/run-examples.ts';
import { TestDaemon } from './fixtures/daemon.ts';
import { inOwnCgroup } from './fixtures/own-cgroup.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PAGE_TIMEOUT_MS = 600_000;

const pages = await Promise.all(
  ['README.md', ...(await readdir(path.join(root, 'docs'))).map((name) => path.join('docs', name))]
    .filter((name) => name.endsWith('.md'))
    .toSorted()
    .map(async (name) => ({ name, examples: examplesIn(await readFile(path.join(root, name), 'utf8')) })),
);

inOwnCgroup();

describe('the examples print what the page says', () => {
  it.each(pages.filter(({ examples }) => examples.length > 0))(
    '$name',
    async ({ examples }) => {
      const daemon = await TestDaemon.start();
      try {
        const folder = path.join(daemon.folder, 'page');
        await mkdir(folder);
        const programs = [path.join(root, 'bin'), path.join(root, 'scripts'), process.env.PATH ?? ''];
        const env = {
          ...process.env,
          PATH: programs.join(path.delimiter),
          HOME: folder,
          CONTAINERD_ADDRESS: daemon.socketPath,
        };
        const wrong = await runExamples(examples, { folder, env });
        if (wrong.length > 0) expect.fail(wrong.join('\n\n'));
      } finally {
        // Asked again, it does not wait for containers that do not heed TERM.
        daemon.child.kill('SIGTERM');
        await daemon.remove();
      }
    },
    PAGE_TIMEOUT_MS,
  );
});
