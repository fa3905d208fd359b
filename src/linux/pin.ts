import { close, constants, fstat, lstatSync, readlinkSync, type Stats } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { constants as osConstants } from 'node:os';
import { promisify } from 'node:util';
import { SystemError } from './error.ts';
import { openAside } from './open-aside.ts';

const { ELOOP } = osConstants.errno;

/** A descriptor that stands for a file without opening it (open(2)); the same on every architecture that Node has. */
const O_PATH = 0o10000000;
const UNOPENED = O_PATH | constants.O_NOFOLLOW;
const STICKY = 0o1000;
const OTHERS_WRITE = 0o022;
/** As many links as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

/** A path that leads over a symbolic link of which nobody knows who has put it there. */
export class LinkRefusedError extends Error {
  override readonly name = 'LinkRefusedError';
  readonly errno = ELOOP;

  constructor(path: string, link: string) {
    super(`open ${path}: ${link} is a symbolic link that others than root can have put there`);
  }
}

/** Whether a last component that is a link is followed like any other, or refused (ELOOP). */
export type PinOptions = { followLast: boolean };

/**
 * Finds what an absolute path leads to and holds it while `use` has it, by a path that leads there whatever
 * becomes of the names on the way; what it is can be looked at before it is opened. A symbolic link is followed only
 * where nobody but root, or this process's user, can have put it there: in a folder of theirs in which nobody else can
 * write, or, being their own, in a sticky one (proc_sys_fs(5), protected_symlinks, goes less far). Rejects with a
 * `SystemError`, a `LinkRefusedError`, or what `use` rejects with.
 */
export async function pinned<T>(
  path: string,
  { followLast }: PinOptions,
  use: (pin: string, stats: Stats) => Promise<T>,
): Promise<T> {
  const fd = await pin(path, followLast);
  try {
    return await use(pathOf(fd), await statsOf(fd));
  } finally {
    close(fd, () => {});
  }
}

/** Aside as well: of a file system over a network, or in a process, it may be long in coming. */
const statsOf: (fd: number) => Promise<Stats> = promisify(fstat);

const pathOf = (fd: number): string => `/proc/self/fd/${fd}`;

async function pin(path: string, followLast: boolean): Promise<number> {
  const fd = await openAside(path, UNOPENED);
  let isLink: boolean;
  let isThat = false;
  try {
    isLink = (await statsOf(fd)).isSymbolicLink();
    // The kernel says under which name it has found it: by that one where there was no link on the way.
    isThat = !isLink && readlinkSync(pathOf(fd)) === path;
  } finally {
    if (!isThat) close(fd, () => {});
  }
  if (isThat) return fd;
  if (isLink && !followLast) throw new SystemError('open', ELOOP, path);
  return walk(path, followLast);
}

/** Goes the way name by name. */
async function walk(path: string, followLast: boolean): Promise<number> {
  const names = namesOf(path);
  let links = 0;
  let at = await openAside('/', UNOPENED, path);
  try {
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      const entry = `${pathOf(at)}/${name}`;
      const next = await openAside(entry, UNOPENED, path);
      const stats = await statsOf(next).catch((error) => {
        close(next, () => {});
        throw error;
      });
      if (!stats.isSymbolicLink()) {
        close(at, () => {});
        at = next;
        continue;
      }
      close(next, () => {});
      if ((names.length === 0 && !followLast) || ++links > MAX_LINKS)
        throw new SystemError('open', ELOOP, path);
      if (!isTrusted(await statsOf(at), stats))
        throw new LinkRefusedError(path, `${readlinkSync(pathOf(at))}/${name}`);
      const target = await readlink(entry);
      names.unshift(...namesOf(target));
      if (target.startsWith('/')) {
        const root = await openAside('/', UNOPENED, path);
        close(at, () => {});
        at = root;
      }
    }
    return at;
  } catch (error) {
    close(at, () => {});
    throw error;
  }
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

function isTrusted(folder: Stats, link: Stats): boolean {
  const isOurs = ({ uid }: Stats): boolean => uid === 0 || uid === process.geteuid?.();
  // A link of procfs leads into another process's view, not to the path that it shows.
  if (!isOurs(folder) || link.dev === lstatSync('/proc').dev) return false;
  return (folder.mode & OTHERS_WRITE) === 0 || ((folder.mode & STICKY) !== 0 && isOurs(link));
}
