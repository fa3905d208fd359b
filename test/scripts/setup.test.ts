import { rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Checkout } from './checkout.ts';

/** What the script needs to find out what is missing; nothing of what it would install. */
const TOOLS = ['bash', 'dirname', 'readlink', 'sort', 'head', 'sed', 'tr', 'dd', 'grep', 'id'];

let checkout: Checkout;

beforeEach(async () => {
  checkout = await Checkout.of('setup', TOOLS);
  await symlink(process.execPath, path.join(checkout.bin, 'node'));
});
afterEach(() => checkout.remove());

it('the set-up says exactly what is missing where it cannot install it, and changes nothing', async () => {
  const { status, stderr } = await checkout.run();
  expect(status).toBe(1);
  expect(stderr.split('\n')).toEqual([
    'setup: these are missing, and there is no apt-get, so nothing was changed:',
    '  runc   (would come by apt-get install runc)',
    '  iptables   (would come by apt-get install iptables)',
    '  chromium   (would come by apt-get install chromium)',
    "  criu 4.2 or newer   (would come by unpacking Debian unstable's into build/criu)",
    '',
  ]);
  expect(await checkout.made()).toEqual([]);
});

it('the set-up refuses a Node.js that is too old', async () => {
  await rm(path.join(checkout.bin, 'node'));
  await writeFile(path.join(checkout.bin, 'node'), '#!/bin/bash\necho v18.20.4\n', { mode: 0o755 });
  expect(await checkout.run()).toEqual({
    status: 1,
    stderr: 'setup: Node.js 20.19 or newer is needed; there is 18.20.4\n',
  });
});
