import { constants } from 'node:fs';
import koffi from 'koffi';
import { checked, SystemError } from './error.ts';
import { libc } from './libc.ts';

const O_CLOEXEC = 0o2000000;
const NAME_BYTES = 128;

const posixOpenpt: (flags: number) => number = libc.func('int posix_openpt(int flags)');
const grantpt: (fd: number) => number = libc.func('int grantpt(int fd)');
const unlockpt: (fd: number) => number = libc.func('int unlockpt(int fd)');
const ptsnameR: (fd: number, name: Buffer, byteLength: number) => number = libc.func(
  'int ptsname_r(int fd, _Out_ void *name, size_t byteLength)',
);

/** A new terminal: the descriptor of its master, closed on exec, and the path of its slave (pty(7)). */
export type Pty = { master: number; path: string };

/** Opens a pseudo-terminal, which does not become this process's controlling terminal. */
export function openPty(): Pty {
  const master = checked('posix_openpt', posixOpenpt(constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC));
  checked('grantpt', grantpt(master));
  checked('unlockpt', unlockpt(master));
  const name = Buffer.alloc(NAME_BYTES);
  const errno = ptsnameR(master, name, NAME_BYTES);
  if (errno !== 0) {
    throw new SystemError('ptsname_r', errno);
  }
  return { master, path: koffi.decode(name, 'char', NAME_BYTES) };
}
