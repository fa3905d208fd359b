import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  deleteCheckpoint,
  imagesOf,
  listCheckpoints,
  makeCheckpoint,
  readCheckpoint,
  readRestoreFlags,
  settleCheckpoints,
} from '../../src/checkpoints/store.ts';
import { ContainerdError, failureOf } from '../../src/errors.ts';
import { processStat } from '../../src/linux/process-stat.ts';
import { descriptorLimit, setDescriptorLimit } from '../../src/linux/rlimit.ts';
import type { CheckpointOptions } from '../../src/machines/messages.ts';

let bundle: string;
beforeEach(async () => {
  bundle = await realpath(await mkdtemp(path.join(os.tmpdir(), 'store-')));
});
afterEach(() => rm(bundle, { recursive: true, force: true }));

const plain = (name: string) => ({ name, exit: false, tcp: false, unixSockets: false, shell: false });
const make = (bundlePath: string, checkpoint: CheckpointOptions, write: (images: string) => Promise<void>) =>
  makeCheckpoint({ bundlePath, checkpoint, workPath: path.join(bundle, 'work') }, write);
const nothing = async () => {};
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof ContainerdError ? error.failure.error : String(error)),
  );
const inFolder = () => readdir(path.join(bundle, 'checkpoints'));

/** A promise, and what resolves it. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('making a checkpoint', () => {
  it('keeps what was written, with its flags', async () => {
    const flags = { exit: true, tcp: true, unixSockets: true, shell: true };
    await make(bundle, { name: 'a', ...flags }, (images) => writeFile(path.join(images, 'pages-1.img'), 'x'));
    expect(await listCheckpoints(bundle)).toEqual([{ name: 'a', ...flags }]);
    expect(await readdir(imagesOf(bundle, 'a'))).toEqual(['config.json', 'pages-1.img']);
    expect(await inFolder()).toEqual(['a']);
  });

  it('shows nothing until it is whole, and leaves nothing where it fails', async () => {
    const made = make(bundle, plain('a'), async (images) => {
      await writeFile(path.join(images, 'half.img'), 'x');
      expect(await listCheckpoints(bundle)).toEqual([]);
      expect(await errorOf(readCheckpoint(bundle, 'a'))).toBe('checkpointNotFound');
      throw new Error('no more');
    });
    expect(await errorOf(made)).toBe('Error: no more');
    expect(await inFolder()).toEqual([]);
  });

  it('has written its flags before the container can be stopped', async () => {
    await make(bundle, plain('a'), async (images) => {
      expect(JSON.parse(await readFile(path.join(images, 'config.json'), 'utf8'))).toEqual(plain('a'));
    });
  });

  it('is refused where there is one of its name', async () => {
    await make(bundle, plain('a'), nothing);
    expect(await errorOf(make(bundle, plain('a'), nothing))).toBe('checkpointExists');
  });

  it('is refused where one of its name is being made, by whatever path', async () => {
    const link = `${bundle}-link`;
    await symlink(bundle, link);
    const { opened, open } = gate();
    const first = make(bundle, plain('a'), () => opened);
    expect(await errorOf(make(link, plain('a'), nothing))).toBe('checkpointExists');
    await make(link, plain('b'), nothing);
    open();
    await first;
    expect(await inFolder()).toEqual(['a', 'b']);
    await rm(link);
  });

  it('takes a name of 255 bytes', async () => {
    const name = 'x'.repeat(255);
    await make(bundle, plain(name), nothing);
    await deleteCheckpoint(bundle, name);
    expect(await inFolder()).toEqual([]);
  });

  it('says what is in its way where the folder is none', async () => {
    await writeFile(path.join(bundle, 'checkpoints'), '');
    const failed = make(bundle, plain('a'), () => expect.unreachable());
    await expect(failed).rejects.toThrow('containerd: checkpoints folder: ENOTDIR: not a directory');
    await expect(listCheckpoints(bundle)).rejects.toThrow('containerd: checkpoints folder: ENOTDIR');
    expect(await errorOf(deleteCheckpoint(bundle, 'a'))).toBe('checkpointNotFound');
  });

  it('goes into the folder that a link leads to', async () => {
    const elsewhere = path.join(bundle, 'elsewhere');
    await mkdir(elsewhere);
    await symlink(elsewhere, path.join(bundle, 'checkpoints'));
    await make(bundle, plain('a'), nothing);
    expect(await readdir(elsewhere)).toEqual(['a']);
    await deleteCheckpoint(bundle, 'a');
    expect(await readdir(elsewhere)).toEqual([]);
  });
});

describe('a bundle’s checkpoints', () => {
  it('are none where there is no folder', async () => {
    expect(await listCheckpoints(bundle)).toEqual([]);
    expect(await errorOf(readCheckpoint(bundle, 'a'))).toBe('checkpointNotFound');
    expect(await errorOf(deleteCheckpoint(bundle, 'a'))).toBe('checkpointNotFound');
  });

  it('are listed by name, without files, and without what no client could have named', async () => {
    for (const name of ['b', 'a', 'a b', 'a~b']) await mkdir(imagesOf(bundle, name), { recursive: true });
    await writeFile(imagesOf(bundle, 'file'), '');
    expect((await listCheckpoints(bundle)).map(({ name }) => name)).toEqual(['a', 'b']);
    expect(await errorOf(readCheckpoint(bundle, 'file'))).toBe('checkpointNotFound');
    expect(await errorOf(deleteCheckpoint(bundle, 'file'))).toBe('checkpointNotFound');
  });

  it('that somebody else put there have no flags, and may have any connections on restore', async () => {
    await mkdir(imagesOf(bundle, 'a'), { recursive: true });
    for (const config of [undefined, 'not json', ' '.repeat(70_000)]) {
      if (config !== undefined) await writeFile(path.join(imagesOf(bundle, 'a'), 'config.json'), config);
      expect(await readCheckpoint(bundle, 'a')).toEqual(plain('a'));
      expect(await readRestoreFlags(bundle, 'a')).toEqual({ tcp: true, unixSockets: true, shell: false });
    }
  });

  it('are read as containerd 0.0.4 wrote them', async () => {
    await mkdir(imagesOf(bundle, 'a'), { recursive: true });
    const config = { created: '2015-12-17T00:00:00Z', name: 'other', tcp: true, shell: 'yes', exit: 1 };
    await writeFile(path.join(imagesOf(bundle, 'a'), 'config.json'), JSON.stringify(config));
    expect(await readCheckpoint(bundle, 'a')).toEqual({ ...plain('a'), tcp: true });
    expect(await readRestoreFlags(bundle, 'a')).toMatchObject({
      tcp: true,
      unixSockets: false,
      shell: false,
    });
  });
});

describe('what a daemon that was killed has left', () => {
  /** Of a process that cannot be: no pid is as large. */
  const leave = async (name: string, files: Record<string, string>) => {
    const partial = path.join(bundle, 'checkpoints', name);
    const work = path.join(bundle, 'work');
    for (const folder of [partial, work]) await mkdir(folder, { recursive: true });
    await symlink(work, path.join(partial, 'work'));
    for (const [file, content] of Object.entries(files)) await writeFile(path.join(partial, file), content);
  };
  const whole = {
    'config.json': JSON.stringify(plain('a')),
    'work/dump.log': 'Dumping finished successfully\n',
  };

  it('becomes the checkpoint that it was to be where CRIU came to its end', async () => {
    await leave('a~999999999-1-1', { ...whole, 'pages-1.img': 'x' });
    expect(await listCheckpoints(bundle)).toEqual([]);
    await settleCheckpoints(bundle);
    expect(await inFolder()).toEqual(['a']);
    expect(await readdir(imagesOf(bundle, 'a'))).toEqual(['config.json', 'pages-1.img']);
  });

  it.each([
    ['CRIU was killed', 'b~999999999-1-1', { ...whole, 'work/dump.log': 'Dumping finished succ' }],
    ['it came to nothing', 'b~999999999-1-1', {}],
    ['nobody knows its name', 'b~999999999-1-1', { ...whole, 'config.json': '' }],
    ['there is another by now', 'b~999999999-1-1', { ...whole, 'config.json': JSON.stringify(plain('a')) }],
    ['it was being removed', 'b~999999999-1-1-gone', whole],
  ])('is removed where %s', async (_, name, files: Record<string, string>) => {
    await make(bundle, plain('a'), nothing);
    await leave(name, files);
    await settleCheckpoints(bundle);
    expect(await inFolder()).toEqual(['a']);
  });

  it('is removed before the next checkpoint of the bundle', async () => {
    await leave('b~999999999-1-1', {});
    await make(bundle, plain('a'), nothing);
    expect(await inFolder()).toEqual(['a']);
  });

  it('is not what another daemon is at work on', async () => {
    const parent = `b~${process.ppid}-${processStat(process.ppid)?.startTime}-1`;
    await leave(parent, {});
    await leave(`b~${process.ppid}-1-1`, {});
    await settleCheckpoints(bundle);
    expect(await inFolder()).toEqual([parent]);
  });
});

describe('a host that has no descriptor left', () => {
  it.each([
    ['listing', () => listCheckpoints(bundle)],
    ['reading', () => readCheckpoint(bundle, 'a')],
    ['making', () => make(bundle, plain('b'), nothing)],
    ['deleting', () => deleteCheckpoint(bundle, 'a')],
  ])('is what is said to be in the way of %s checkpoints, not their folder', async (_, work) => {
    await make(bundle, plain('a'), nothing);
    const limit = descriptorLimit();
    setDescriptorLimit({ ...limit, soft: 3n });
    const failed = await work()
      .catch((error: unknown) => failureOf(error).message)
      .finally(() => setDescriptorLimit(limit));
    expect(failed).toMatch(/^containerd: the host has no more to give: /);
    expect(await listCheckpoints(bundle)).toEqual([plain('a')]);
  });
});
