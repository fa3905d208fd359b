import { closeSync, constants, openSync, readSync } from 'node:fs';
import { SystemError } from '../linux/error.ts';
import { ShimError } from './error.ts';

/** A pid has at most seven digits (proc(5), pid_max). */
const PID_BYTES = 32;

/** A runtime may have put anything in its place: a link is not followed, and a FIFO not waited for. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The pid that a runtime has left in its `--pid-file`. Rejects with a `ShimError` (`runtime`) if there is none. Reads it at
 * once: it has just been written, so that no disk is waited for, and two trips to another thread cost more than all else here.
 */
export async function readPidFile(path: string): Promise<number> {
  const text = contents(path);
  if (!/^[1-9]\d{0,9}\s*$/.test(text)) {
    throw new ShimError('runtime', `the runtime has left no pid in ${path}: ${JSON.stringify(text)}`);
  }
  return Number(text);
}

function contents(path: string): string {
  let fd: number | undefined;
  try {
    fd = openSync(path, FLAGS);
    const bytes = Buffer.alloc(PID_BYTES);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, PID_BYTES, 0));
  } catch (error) {
    const { syscall = 'open', errno = 0 } = error as NodeJS.ErrnoException;
    const { message, errno: number } = new SystemError(syscall, -errno, path);
    throw new ShimError('runtime', `the runtime has left no pid: ${message}`, { errno: number });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
