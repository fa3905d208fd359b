import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createPipe } from '../../src/linux/pipe.ts';

/** How a program ends, and what it says on stderr, whose help goes to that descriptor; closes that. */
async function help(name: string, stdout: number) {
  const program = fileURLToPath(new URL(`../../bin/${name}`, import.meta.url));
  const child = spawn(program, ['--help'], { stdio: ['ignore', stdout, 'pipe'] });
  closeSync(stdout);
  const [[status], stderr] = await Promise.all([
    once(child, 'exit'),
    text(child.stderr as NodeJS.ReadableStream),
  ]);
  return { status, stderr };
}

it.each(['ctr', 'containerd'])(
  '%s whose help nobody reads ends as a shell expects it, in silence',
  async (name) => {
    const { read, write } = createPipe();
    closeSync(read);
    expect(await help(name, write)).toEqual({ status: 141, stderr: '' });
  },
);

it.each(['ctr', 'containerd'])('%s whose help finds no room says so', async (name) => {
  expect(await help(name, openSync('/dev/full', 'w'))).toEqual({
    status: 1,
    stderr: `[${name}] ENOSPC: no space left on device, write\n`,
  });
});
