import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBundle } from '../../src/bundle/bundle.ts';
import { ContainerdError } from '../../src/errors.ts';
import { within } from '../linux/deadline.ts';

let bundle: string;
beforeEach(() => {
  bundle = mkdtempSync(join(tmpdir(), 'bundle-'));
});
afterEach(() => rmSync(bundle, { recursive: true }));

const configFile = () => join(bundle, 'config.json');
const read = (config: unknown) => {
  writeFileSync(configFile(), typeof config === 'string' ? config : JSON.stringify(config));
  return readBundle(bundle);
};
const withProcess = (process: object) => read({ process: { args: ['sh'], ...process } });

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => 'it was read',
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(ContainerdError);
  return (error as ContainerdError).message;
}
const notValid = (why: string) => `containerd: bundle is not valid: ${why}`;

describe('a bundle', () => {
  it('says what its process is, and what an exec takes from it', async () => {
    const own = {
      terminal: true,
      consoleSize: { height: 24, width: 80 },
      user: { uid: 1, gid: 2, additionalGids: [3], umask: 18 },
      args: ['sh', '-c', 'true'],
      env: ['A=b', 'PATH=/bin', 'PATH=/other'],
      cwd: '/tmp',
    };
    const passedOn = {
      capabilities: { bounding: ['CAP_KILL'] },
      rlimits: [],
      noNewPrivileges: true,
      oomScoreAdj: 7,
    };
    expect(
      await read({ process: { ...own, ...passedOn }, root: { path: 'rootfs', readonly: true } }),
    ).toEqual({
      process: {
        terminal: true,
        user: { uid: 1, gid: 2, additionalGids: [3] },
        args: ['sh', '-c', 'true'],
        env: ['A=b', 'PATH=/bin', 'PATH=/other'],
        cwd: '/tmp',
      },
      inherited: { process: passedOn, path: 'PATH=/bin' },
      readonlyRoot: true,
      hooks: false,
    });
  });

  it.each([
    ['root', { root: null }, {}],
    ['the process’s user', {}, { user: null }],
    ['a uid and a gid', {}, { user: { uid: null, gid: null, additionalGids: null } }],
    ['env, cwd and terminal', {}, { env: null, cwd: null, terminal: null }],
  ])('may say null for %s, as if it were not there', async (_, rest, process) => {
    const without = await read({ process: { args: ['sh'] } });
    expect(await read({ process: { args: ['sh'], ...process }, ...rest })).toEqual(without);
  });

  it('may say no more than what to run', async () => {
    expect(await read({ process: { args: ['sh'] } })).toEqual({
      process: {
        terminal: false,
        user: { uid: 0, gid: 0, additionalGids: [] },
        args: ['sh'],
        env: [],
        cwd: '/',
      },
      inherited: { process: {}, path: '' },
      readonlyRoot: false,
      hooks: false,
    });
  });

  it.each([
    ['hooks', { prestart: [{ path: '/bin/true' }] }, true],
    ['none, said so', null, false],
    ['what are no hooks, as the runtime is to say', 'x', true],
  ])('says whether it has %s', async (_, hooks, has) => {
    expect(await read({ process: { args: ['sh'] }, hooks })).toMatchObject({ hooks: has });
  });

  it('may be a link, and so may its config.json', async () => {
    await read({ process: { args: ['sh'] } });
    const other = `${bundle}-link`;
    symlinkSync(bundle, other);
    expect((await readBundle(other)).process.args).toEqual(['sh']);
    rmSync(other);
    rmSync(configFile());
    writeFileSync(join(bundle, 'real.json'), '{"process":{"args":["id"]}}');
    symlinkSync('real.json', configFile());
    expect((await readBundle(bundle)).process.args).toEqual(['id']);
  });

  it('that is not there, or no folder, is not found', async () => {
    writeFileSync(configFile(), '{}');
    for (const path of [join(bundle, 'no'), configFile(), join(configFile(), 'no')]) {
      expect(await refusal(readBundle(path))).toBe('containerd: bundle not found');
    }
  });

  it('that runc makes is one', async () => {
    execFileSync('runc', ['spec'], { cwd: bundle });
    expect(await readBundle(bundle)).toMatchObject({ process: { args: ['sh'] }, readonlyRoot: true });
  });
});

describe('a config.json', () => {
  it.each([
    ['not JSON', '{', /^containerd: bundle is not valid: config.json: .*JSON/],
    ['empty', '', /config.json: Unexpected end of JSON input/],
    ['a list', '[]', /: config.json is not an object$/],
    ['null', 'null', /: config.json is not an object$/],
    ['without a process', '{}', /: process is not an object$/],
    ['with a list for a process', { process: [] }, /: process is not an object$/],
    ['with a root that is none', { process: { args: ['sh'] }, root: 7 }, /: root is not an object$/],
  ])('that is %s is not valid', async (_, config, message) => {
    expect(await refusal(read(config))).toMatch(message);
  });

  it.each([
    ['without arguments', { args: undefined }, 'process.args is empty'],
    ['with none', { args: [] }, 'process.args is empty'],
    ['with one that is no text', { args: ['sh', 7] }, 'process.args is not a list of strings'],
    ['with a text for arguments', { args: 'sh' }, 'process.args is not a list of strings'],
    ['with a variable that is no text', { env: [null] }, 'process.env is not a list of strings'],
    ['with a name for a user', { user: 'root' }, 'process.user is not an object'],
    ['with a uid below all', { user: { uid: -1 } }, 'process.user: uid is out of range'],
    ['with a uid above all', { user: { uid: 2 ** 32 } }, 'process.user: uid is out of range'],
    ['with a gid between two', { user: { gid: 1.5 } }, 'process.user: gid is out of range'],
    ['with a text for a gid', { user: { gid: '0' } }, 'process.user: gid is out of range'],
    ['with a number for gids', { user: { additionalGids: 7 } }, 'process.user.additionalGids is not a list'],
    ['with a gid that is none', { user: { additionalGids: [7, null] } }, 'process.user: gid is out of range'],
  ])('whose process is %s is not valid', async (_, process, why) => {
    expect(await refusal(withProcess(process))).toBe(notValid(why));
  });

  it('that is missing is told', async () => {
    expect(await refusal(readBundle(bundle))).toBe(notValid('config.json: no such file or directory'));
  });

  it('that is a link to nothing, or to itself, is told', async () => {
    symlinkSync('nowhere', configFile());
    expect(await refusal(readBundle(bundle))).toBe(notValid('config.json: no such file or directory'));
    rmSync(configFile());
    symlinkSync('config.json', configFile());
    expect(await refusal(readBundle(bundle))).toBe(notValid('config.json: ELOOP'));
  });

  it.each([
    ['a folder', () => mkdirSync(configFile())],
    ['a FIFO that nobody writes to', () => execFileSync('mkfifo', [configFile()])],
    ['a device without end', () => symlinkSync('/dev/zero', configFile())],
  ])('that is %s is not read', async (_, make) => {
    make();
    const message = await within(15_000, 'the refusal', refusal(readBundle(bundle)));
    expect(message).toBe(notValid('config.json is not a regular file'));
  });

  it('that is larger than any is not read', async () => {
    const size = 4 * 1024 * 1024;
    const config = '{"process":{"args":["sh"]}}';
    expect((await read(config.padEnd(size))).process.args).toEqual(['sh']);
    expect(await refusal(read(config.padEnd(size + 1)))).toBe(
      notValid(`config.json has ${size + 1} bytes, more than ${size}`),
    );
  });

  it('may be anything, and is a bundle or not valid', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.jsonValue(), async (args, rest) => {
        const config = { process: { args, env: rest, user: rest, terminal: rest, cwd: rest }, root: rest };
        try {
          const { process } = await read(config);
          expect(process.args.every((arg) => typeof arg === 'string')).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(ContainerdError);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('a config.json that is nested', () => {
  const nested = (depth: number) =>
    `{"process": {"args": ["sh"]}, "x": ${'['.repeat(depth)}${']'.repeat(depth)}}`;

  it('is read up to a depth of 64', async () => {
    await expect(read(nested(63))).resolves.toBeDefined();
    expect(await refusal(read(nested(64)))).toBe(notValid('config.json is nested more than 64 deep'));
  });

  it('is not what has brackets, quotes and backslashes in a string', async () => {
    const text = JSON.stringify({
      process: { args: ['sh'] },
      x: `${'[{'.repeat(100)}\\"\\\\"${'['.repeat(100)}`,
    });
    await expect(read(text)).resolves.toBeDefined();
  });

  it.each(['"', '\\"', '\\', '["', '"[\\'])(
    'may be 4 MB of %s, and takes no longer than its length',
    async (piece) => {
      const text = piece.repeat((4 * 1024 * 1024) / piece.length);
      await expect(within(5_000, 'the refusal', refusal(read(text)))).resolves.toMatch(
        /^containerd: bundle is not valid/,
      );
    },
  );
});
