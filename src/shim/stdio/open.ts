import { close, constants, type Stats } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { isatty } from 'node:tty';
import { seekToEnd } from '../../linux/descriptor.ts';
import { SystemError } from '../../linux/error.ts';
import { openAside } from '../../linux/open-aside.ts';
import { type LinkRefusedError, pinned } from '../../linux/pin.ts';
import { ShimError } from '../error.ts';
import { openGate } from './disk-gates.ts';

const { EAGAIN, EISDIR, ENXIO } = osConstants.errno;

/**
 * What a path of a client turned out to be. A `file` never makes anyone wait in poll(2)'s sense, its disk may in its own;
 * a `device` (such as /dev/null) does neither.
 */
export type Kind = 'fifo' | 'file' | 'terminal' | 'device';

/** An open path; `identity` is the same for all paths that lead to one file. */
export type Opened = { fd: number; kind: Kind; identity: string };

/** How long a path may wait for others to be opened, and then take itself. */
const OPEN_TIMEOUT_MS = 10_000;

const COMMON = constants.O_NONBLOCK | constants.O_NOCTTY;

/** Opens a path to read from. A FIFO that nobody writes to yet is open at once. */
export const openSource = (path: string): Promise<Opened> => openPath(path, constants.O_RDONLY);

/**
 * Opens a path to write to, without truncating it: from its start or, to append, from its end. A FIFO that nobody reads
 * yet is open at once: it is opened for reading as well (fifo(7)).
 */
export async function openSink(path: string, append = false): Promise<Opened> {
  const opened = await openPath(path, constants.O_RDWR);
  if (append && opened.kind === 'file') {
    try {
      seekToEnd(opened.fd, path);
    } catch (error) {
      closeAside(opened.fd);
      refuse(error as SystemError);
    }
  }
  return opened;
}

/** What it is is known before it is opened: opening alone does something to some devices. */
function openPath(path: string, mode: number): Promise<Opened> {
  const open = (): Promise<Opened> =>
    pinned(path, { followLast: false }, async (pin, stats) => {
      if (stats.isDirectory()) {
        throw new SystemError('open', EISDIR, path);
      }
      if (!stats.isFIFO() && !stats.isFile() && !stats.isCharacterDevice()) {
        throw new SystemError('open', ENXIO, path);
      }
      const fd = await openAside(pin, mode | COMMON, path);
      return { fd, kind: kindOf(stats, fd), identity: `${stats.dev}:${stats.ino}` };
    });
  const refused = (why: string): ShimError =>
    new ShimError('stdio', `open ${path}: ${why}`, { errno: EAGAIN });
  return openGate(() => open().catch(refuse), {
    timeoutMs: OPEN_TIMEOUT_MS,
    noTurn: () => refused('file systems that others wait for do not answer'),
    late: () => refused('its file system does not answer'),
    leave: ({ fd }) => closeAside(fd),
  });
}

function refuse(error: SystemError | LinkRefusedError): never {
  throw new ShimError('stdio', error.message, { errno: error.errno });
}

function kindOf(stats: Stats, fd: number): Kind {
  if (stats.isFIFO()) {
    return 'fifo';
  }
  if (stats.isCharacterDevice()) {
    return isatty(fd) ? 'terminal' : 'device';
  }
  return 'file';
}

/** Closes a descriptor of a file aside, as that may have to wait for its disk too. */
export function closeAside(fd: number): void {
  close(fd, () => {});
}
