import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Checkout } from './checkout.ts';

const TOOLS = ['bash', 'cat', 'dirname', 'flock', 'mkdir', 'mktemp', 'readlink', 'rm', 'sed', 'tail'];

const NO_QEMU = { uname: 'echo x86_64' };
const QEMU = { ...NO_QEMU, 'qemu-system-x86_64': 'exit 1' };
const NO_MIRROR = { 'apt-get': 'echo no mirror >&2; exit 100', 'apt-cache': '', awk: 'echo linux-image-1' };

let checkout: Checkout;

beforeEach(async () => {
  checkout = await Checkout.of('on-cgroup-v2', TOOLS);
});
afterEach(() => checkout.remove());

it('the virtual machine is asked for with a command', async () => {
  const { status, stderr } = await checkout.run();
  expect([status, stderr]).toEqual([1, expect.stringContaining('scripts/on-cgroup-v2 COMMAND')]);
  expect(await checkout.made()).toEqual([]);
});

it.each<[string, Record<string, string>, string]>([
  ['another processor', { uname: 'echo aarch64' }, 'this is no x86-64 machine, but aarch64'],
  [
    'no QEMU, which it may not install',
    { ...NO_QEMU, id: 'echo 1000' },
    'qemu-system-x86_64 is missing, and this is not root: apt-get install qemu-system-x86',
  ],
  ['no QEMU and no apt', { ...NO_QEMU, id: 'echo 0' }, 'there is no apt-get to install qemu-system-x86'],
  ['no kernel that apt knows', { ...QEMU, awk: '' }, 'there is no apt-get to learn of kernels'],
  ['no mirror', { ...QEMU, ...NO_MIRROR }, 'cannot download linux-image-1'],
])('with %s there is none, which it says, and leaves nothing', async (_, tools, words) => {
  for (const [tool, script] of Object.entries(tools))
    await writeFile(path.join(checkout.bin, tool), `#!/bin/bash\n${script}\n`, { mode: 0o755, flag: 'wx' });
  const { status, stderr } = await checkout.run('true');
  expect([status, stderr.trimEnd().split('\n').at(-1)]).toEqual([1, `on-cgroup-v2: ${words}`]);
  const made = await checkout.made();
  expect(made.filter((name) => name !== 'build/cgroup-v2/lock')).toEqual(['build', 'build/cgroup-v2']);
});
