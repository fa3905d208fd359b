import { open } from 'node:fs';
import { constants } from 'node:os';
import { SystemError } from './error.ts';

const { EINVAL, EMFILE } = constants.errno;

/** How long to insist where this thread is just giving a child its limit of descriptors (see inheritance.ts). */
const ATTEMPTS = 5;

/**
 * Opens a path on a thread of libuv's pool, which waits for a slow disk in our place; the descriptor is closed on exec.
 * Rejects with a `SystemError`, about `subject` where that is what the path stands for.
 */
export function openAside(path: string, flags: number, subject = path, attempt = 1): Promise<number> {
  return new Promise((resolve, reject) => {
    if (path.includes('\0')) {
      reject(new SystemError('open', EINVAL, subject));
      return;
    }
    open(path, flags, (error, fd) => {
      const errno = -(error?.errno ?? 0);
      if (errno === 0) {
        resolve(fd);
      } else if (errno === EMFILE && attempt < ATTEMPTS) {
        resolve(openAside(path, flags, subject, attempt + 1));
      } else {
        reject(new SystemError('open', errno, subject));
      }
    });
  });
}
