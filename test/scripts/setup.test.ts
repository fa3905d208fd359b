import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const setup = fileURLToPath(new URL('../../scripts/setup', import.meta.url));

/** What the script needs to find out what is missing; nothing of what it would install, and no apt. */
const TOOLS = ['bash', 'dirname', 'readlink', 'sort', 'head', 'sed', 'tr', 'dd', 'grep', 'id'];

let checkout: string;
let bin: string;

beforeEach(async () => {
  checkout = await mkdtemp(path.join(os.tmpdir(), 'checkout-'));
  bin = path.join(checkout, 'path');
  await mkdir(bin);
  await mkdir(path.join(checkout, 'scripts'));
  await cp(setup, path.join(checkout, 'scripts', 'setup'));
  for (const tool of TOOLS) await symlink(path.join('/usr/bin', tool), path.join(bin, tool));
  await symlink(process.execPath, path.join(bin, 'node'));
});
afterEach(() => rm(checkout, { recursive: true }));

function run(): Promise<{ status: number; stderr: string }> {
  return new Promise((resolve) => {
    execFile(path.join(checkout, 'scripts', 'setup'), { env: { PATH: bin } }, (error, _, stderr) =>
      resolve({ status: Number(error?.code ?? 0), stderr }),
    );
  });
}

it('the set-up says exactly what is missing where it cannot install it, and changes nothing', async () => {
  const { status, stderr } = await run();
  expect(status).toBe(1);
  expect(stderr.split('\n')).toEqual([
    'setup: these are missing, and there is no apt-get, so nothing was changed:',
    '  runc   (would come by apt-get install runc)',
    '  iptables   (would come by apt-get install iptables)',
    '  chromium   (would come by apt-get install chromium)',
    "  criu 4.2 or newer   (would come by unpacking Debian unstable's into build/criu)",
    '',
  ]);
  expect((await readdir(checkout)).sort()).toEqual(['path', 'scripts']);
});

it('the set-up refuses a Node.js that is too old', async () => {
  await rm(path.join(bin, 'node'));
  await writeFile(path.join(bin, 'node'), '#!/bin/bash\necho v18.20.4\n', { mode: 0o755 });
  expect(await run()).toEqual({
    status: 1,
    stderr: 'setup: Node.js 20.19 or newer is needed; there is 18.20.4\n',
  });
});
