import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LinkRefusedError, pinned } from '../../src/linux/pin.ts';
import { descriptorsOf } from './descriptors.ts';

const SOMEBODY = 12_345;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pin-'));
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'real', 'file'), 'real');
});
afterEach(() => rmSync(folder, { recursive: true }));

const inFolder = (...names: string[]) => join(folder, ...names);
const read = (path: string, followLast = true) =>
  pinned(path, { followLast }, async (pin) => readFileSync(pin, 'utf8'));
const refusal = (path: string, followLast = true) => read(path, followLast).catch((error) => error);

/** A folder with a link in it that leads to the real file's folder. */
function linkIn(
  name: string,
  { mode, owner = 0, linkOwner = 0 }: { mode: number; owner?: number; linkOwner?: number },
) {
  const at = inFolder(name);
  mkdirSync(at);
  symlinkSync('../real', join(at, 'link'));
  lchownSync(join(at, 'link'), linkOwner, linkOwner);
  chownSync(at, owner, owner);
  chmodSync(at, mode);
  return join(at, 'link', 'file');
}

describe('a path', () => {
  it('without links leads to what is there', async () => {
    expect(await read(inFolder('real', 'file'))).toBe('real');
  });

  it('is told in the kernel’s words where it leads nowhere', async () => {
    const { message, errno } = await refusal(inFolder('real', 'nothing'));
    expect([message, errno]).toEqual([`open ${inFolder('real', 'nothing')}: no such file or directory`, 2]);
  });

  it('leads on to what was found though its names lead elsewhere by now', async () => {
    const text = await pinned(inFolder('real', 'file'), { followLast: false }, async (pin) => {
      renameSync(inFolder('real'), inFolder('moved'));
      mkdirSync(inFolder('real'));
      writeFileSync(inFolder('real', 'file'), 'another');
      return readFileSync(pin, 'utf8');
    });
    expect(text).toBe('real');
  });

  it('is followed over links of root in a folder of root, absolute and relative, through .. too', async () => {
    expect(await read(linkIn('plain', { mode: 0o755 }))).toBe('real');
    symlinkSync(inFolder('plain', '..', 'real', '.'), inFolder('absolute'));
    expect(await read(inFolder('absolute', 'file'))).toBe('real');
  });

  it('is followed over a link of root in a sticky folder, as /tmp is', async () => {
    expect(await read(linkIn('sticky', { mode: 0o1777 }))).toBe('real');
  });

  it.each([
    ['a folder in which all can write', { mode: 0o777 }],
    ['a folder in which its group can write', { mode: 0o775 }],
    ['somebody’s own folder', { mode: 0o755, owner: SOMEBODY }],
    ['somebody’s own folder, though the link is root’s and it is sticky', { mode: 0o1777, owner: SOMEBODY }],
    ['a sticky folder, being somebody’s', { mode: 0o1777, linkOwner: SOMEBODY }],
  ])('is refused over a link in %s', async (_, how) => {
    const path = linkIn('others', how);
    const error = await refusal(path);
    expect(error).toBeInstanceOf(LinkRefusedError);
    expect(error.message).toBe(
      `open ${path}: ${inFolder('others', 'link')} is a symbolic link that others than root can have put there`,
    );
  });

  it('is refused over a link that only a trusted one leads to', async () => {
    linkIn('others', { mode: 0o777 });
    symlinkSync('others/link', inFolder('trusted'));
    expect(await refusal(inFolder('trusted', 'file'))).toBeInstanceOf(LinkRefusedError);
  });

  it('whose last name is a link is followed or refused as is asked for', async () => {
    symlinkSync('real/file', inFolder('last'));
    expect(await read(inFolder('last'))).toBe('real');
    expect((await refusal(inFolder('last'), false)).errno).toBe(40);
  });

  it('that goes round in circles ends', async () => {
    symlinkSync('round', inFolder('round'));
    symlinkSync('a', inFolder('b'));
    symlinkSync('b', inFolder('a'));
    for (const path of [inFolder('round'), inFolder('a', 'file')])
      expect((await refusal(path)).errno).toBe(40);
  });

  it('through another process’s view is refused, as its links do not lead where they show', async () => {
    expect(await refusal(`/proc/${process.ppid}/root${inFolder('real', 'file')}`)).toBeInstanceOf(
      LinkRefusedError,
    );
  });

  it('leaves no descriptor, whatever comes of it', async () => {
    const paths = [
      linkIn('a', { mode: 0o755 }),
      linkIn('b', { mode: 0o777 }),
      inFolder('none'),
      inFolder('real'),
    ];
    const count = () => descriptorsOf((target) => target.startsWith(folder)).length;
    const before = count();
    for (const path of paths) await refusal(path);
    await expect.poll(count).toBe(before);
  });
});
