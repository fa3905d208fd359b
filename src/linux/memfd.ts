import { closeSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { checked, SystemError } from './error.ts';
import { collapseIntoHugePages } from './huge-pages.ts';
import { libc } from './libc.ts';

const MFD_CLOEXEC = 0x01;
const MFD_ALLOW_SEALING = 0x02;
/** Says that it is to be run, which hosts can be set not to take for granted (Linux 6.3, sysctl vm.memfd_noexec). */
const MFD_EXEC = 0x10;
const F_ADD_SEALS = 1033;
const F_SEAL_ALL = 0x0f;
const CHUNK_BYTES = 1024 * 1024;

const memfdCreate: (name: string, flags: number) => number = libc.func(
  'int memfd_create(const char *name, unsigned int flags)',
);
const fcntl: (fd: number, command: number, value: number) => number = libc.func(
  'int fcntl(int fd, int command, long value)',
);

/**
 * A copy of an open file in memory which nobody can change, and which can be run (memfd_create(2)); `name` is for people.
 * Gives its descriptor, close-on-exec. Throws a `SystemError`, or the file system's own error.
 */
export function sealedCopy(name: string, source: number): number {
  const fd = create(name);
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let size = 0;
    for (let byteLength = -1; byteLength !== 0; size += byteLength) {
      byteLength = readSync(source, chunk, 0, CHUNK_BYTES, size);
      for (let written = 0; written < byteLength; )
        written += writeSync(fd, chunk, written, byteLength - written);
    }
    // Where the kernel does not, it is run all the same.
    collapseIntoHugePages(fd, size);
    checked('fcntl', fcntl(fd, F_ADD_SEALS, F_SEAL_ALL));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function create(name: string): number {
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  try {
    return checked('memfd_create', memfdCreate(name, flags | MFD_EXEC), name);
  } catch (error) {
    const isUnknown = error instanceof SystemError && error.errno === constants.errno.EINVAL;
    if (!isUnknown) throw error;
    return checked('memfd_create', memfdCreate(name, flags), name);
  }
}
