import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readPidFile } from '../../src/shim/pid-file.ts';

const run = promisify(execFile);

describe('the file in which a runtime leaves a pid', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'pid-file-'));
    file = path.join(folder, 'init.pid');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test.each(['4711', '4711\n'])('gives it: %j', async (text) => {
    await writeFile(file, text);
    expect(await readPidFile(file)).toBe(4711);
  });

  test.each(['', '0', '-1', '1e3', '12 13', 'nonsense', '9'.repeat(40)])(
    'is refused where it has none: %j',
    async (text) => {
      await writeFile(file, text);
      await expect(readPidFile(file)).rejects.toMatchObject({
        reason: 'runtime',
        message: expect.stringContaining(`no pid in ${file}`),
      });
    },
  );

  test('is missed in the words of the kernel', async () => {
    await expect(readPidFile(file)).rejects.toMatchObject({
      reason: 'runtime',
      message: `the runtime has left no pid: open ${file}: no such file or directory`,
    });
  });

  test('is not looked for behind a link', async () => {
    await writeFile(path.join(folder, 'other'), '1');
    await symlink('other', file);
    await expect(readPidFile(file)).rejects.toMatchObject({
      reason: 'runtime',
      errno: os.constants.errno.ELOOP,
    });
  });

  test('is not waited for where there is a FIFO or a folder in its place', async () => {
    await run('mkfifo', [file]);
    await expect(readPidFile(file)).rejects.toMatchObject({ reason: 'runtime' });
    await rm(file);
    await mkdir(file);
    await expect(readPidFile(file)).rejects.toMatchObject({ errno: os.constants.errno.EISDIR });
  });
});
