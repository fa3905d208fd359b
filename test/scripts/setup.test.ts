import { rm, symlink } from 'node:fs/promises';
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
  await checkout.add('bin/node', 'echo v18.20.4');
  expect(await checkout.run()).toEqual({
    status: 1,
    stderr: 'setup: Node.js 20.19 or newer is needed; there is 18.20.4\n',
  });
});

it('the set-up finds what is in the sbin beside a bin, which an ordinary user’s PATH leaves out', async () => {
  await checkout.add('sbin/runc', '');
  await checkout.add('sbin/iptables', '');
  await checkout.add('sbin/criu', 'echo "Version: 4.2"');
  expect((await checkout.run()).stderr.split('\n')).toEqual([
    'setup: these are missing, and there is no apt-get, so nothing was changed:',
    '  chromium   (would come by apt-get install chromium)',
    '',
  ]);
});

it('the set-up takes CRIU from the first mirror, however many apt knows', async () => {
  for (const program of ['runc', 'iptables', 'chromium']) await checkout.add(`bin/${program}`, '');
  for (const tool of ['mkdir', 'flock', 'awk', 'rm', 'tail', 'yes']) {
    await symlink(path.join('/usr/bin', tool), path.join(checkout.bin, tool));
  }
  await checkout.add(
    'bin/apt-get',
    `. /etc/os-release
case $1 in
indextargets) yes "$VERSION_CODENAME|main|http://mirror.test" | head -n 100000 ;;
*) read -r line <build/criu-apt/etc/sources.list; echo "cannot read $line" >&2; exit 100 ;;
esac`,
  );
  expect(await checkout.run()).toEqual({
    status: 1,
    stderr: expect.stringMatching(/^cannot read deb (\[.*\])? http:\/\/mirror\.test unstable main\n$/),
  });
});
