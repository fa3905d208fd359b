import { closeSync, constants as fsConstants, openSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import koffi from 'koffi';
import { SystemError } from './error.ts';
import { libc } from './libc.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;

const flockCall: (fd: number, operation: number) => number = libc.func('int flock(int fd, int operation)');

export type FileLock = { release(): void };

/**
 * Locks a file, which is made (mode 0600) where there is none, for this process alone: until it releases the lock or
 * ends, however it ends (flock(2)). Undefined where another process holds it. Opens synchronously: locks are for start-up.
 */
export function flock(path: string): FileLock | undefined {
  const fd = openSync(path, fsConstants.O_RDWR | fsConstants.O_CREAT | fsConstants.O_NOFOLLOW, 0o600);
  if (flockCall(fd, LOCK_EX | LOCK_NB) === 0) {
    return { release: () => closeSync(fd) };
  }
  const errno = koffi.errno();
  closeSync(fd);
  if (errno === osConstants.errno.EWOULDBLOCK) {
    return undefined;
  }
  throw new SystemError('flock', errno, path);
}
