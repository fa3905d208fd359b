import { constants as fsConstants, readdirSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import koffi from 'koffi';
import { checked, SystemError } from './error.ts';
import { libc } from './libc.ts';

const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const FD_CLOEXEC = 1;
const F_SETPIPE_SZ = 1031;
const FIONREAD = 0x541b;
const SEEK_END = 2;

const fcntl: (fd: number, command: number, value: number) => number = libc.func(
  'int fcntl(int fd, int command, long value)',
);
const ioctl: (fd: number, request: number, value: number[]) => number = libc.func(
  'int ioctl(int fd, ulong request, _Out_ int *value)',
);
const lseek: (fd: number, offset: number, whence: number) => number = libc.func(
  'intptr_t lseek(int fd, intptr_t offset, int whence)',
);
const readCall: (fd: number, target: Uint8Array, byteLength: number) => number = libc.func(
  'intptr_t read(int fd, _Out_ void *target, size_t byteLength)',
);
const writeCall: (fd: number, source: Uint8Array, byteLength: number) => number = libc.func(
  'intptr_t write(int fd, const void *source, size_t byteLength)',
);

/** Lets reads and writes of a descriptor fail with EAGAIN where they would wait. */
export function setNonblocking(fd: number): void {
  const flags = checked('fcntl', fcntl(fd, F_GETFL, 0));
  checked('fcntl', fcntl(fd, F_SETFL, flags | fsConstants.O_NONBLOCK));
}

/**
 * Keeps whatever this process was started with from being inherited by the programs that it starts. Node does so for
 * the lowest descriptors only (uv_disable_stdio_inheritance). To be called once, before there is anything else to do.
 */
export function closeInheritedOnExec(): void {
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    // Fails, to no harm, for the descriptor that the directory itself was read with.
    fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

/** Lets a file, that of a path, be written from its end (lseek(2)); unlike O_APPEND, which splice(2) refuses. */
export function seekToEnd(fd: number, path: string): void {
  checked('lseek', lseek(fd, 0, SEEK_END), path);
}

/** Another descriptor of the same open file, so that both can be watched on their own; closed on exec. */
export function duplicate(fd: number): number {
  return checked('fcntl', fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

/** Lets a pipe hold more, or less; false where the kernel does not allow as much (pipe(7), pipe-max-size). */
export function setPipeCapacity(fd: number, byteLength: number): boolean {
  return fcntl(fd, F_SETPIPE_SZ, byteLength) >= 0;
}

/** How many bytes can be read without waiting (FIONREAD; of pipes, FIFOs, sockets and terminals). */
export function pendingBytes(fd: number): number {
  const value = [0];
  checked('ioctl', ioctl(fd, FIONREAD, value));
  return value[0] ?? 0;
}

function moved(syscall: string, result: number): number | undefined {
  if (result >= 0) {
    return result;
  }
  const errno = koffi.errno();
  if (errno === osConstants.errno.EAGAIN) {
    return undefined;
  }
  throw new SystemError(syscall, errno);
}

/** read(2) without an exception for EAGAIN: bytes read, 0 at the end of the file, undefined where it would wait. */
export function readNow(fd: number, target: Uint8Array): number | undefined {
  return moved('read', readCall(fd, target, target.byteLength));
}

/** write(2) without an exception for EAGAIN: bytes written, possibly fewer than given; undefined where it would wait. */
export function writeNow(fd: number, source: Uint8Array): number | undefined {
  return moved('write', writeCall(fd, source, source.byteLength));
}
