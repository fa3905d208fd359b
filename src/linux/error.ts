import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { libc } from './libc.ts';

const strerror: (errno: number) => string = libc.func('const char *strerror(int errno)');

/**
 * The C library's words for an errno, begun in lower case so that they can end a sentence, as Go and most daemons
 * print them: `no such file or directory`.
 */
export function errnoText(errno: number): string {
  const text = strerror(errno);
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

/** What the kernel or the C library refused: `open /a/b: no such file or directory`. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  /** The positive number of errno(3). */
  readonly errno: number;
  /** Its name, such as `ENOENT`. */
  readonly code: string;
  readonly syscall: string;

  constructor(syscall: string, errno: number, subject?: string) {
    super(`${subject === undefined ? syscall : `${syscall} ${subject}`}: ${errnoText(errno)}`);
    this.syscall = syscall;
    this.errno = errno;
    this.code = getSystemErrorName(-errno);
  }
}

/**
 * Passes on what a system call returned; throws a `SystemError` where it is negative. To be called right after the
 * system call, as errno is global.
 */
export function checked(syscall: string, result: number, subject?: string): number {
  if (result < 0) {
    throw new SystemError(syscall, koffi.errno(), subject);
  }
  return result;
}
