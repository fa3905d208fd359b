import { constants } from 'node:os';
import koffi from 'koffi';
import { SystemError } from './error.ts';
import { libc } from './libc.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;

const flock: (fd: number, operation: number) => number = libc.func('int flock(int fd, int operation)');

/**
 * Locks an open file for this process alone, until the descriptor is closed or the process ends (flock(2)).
 * False where another holds it.
 */
export function tryLock(fd: number): boolean {
  if (flock(fd, LOCK_EX | LOCK_NB) === 0) {
    return true;
  }
  const errno = koffi.errno();
  if (errno === constants.errno.EWOULDBLOCK) {
    return false;
  }
  throw new SystemError('flock', errno);
}
