import { readFileSync } from 'node:fs';
import { checked } from './error.ts';
import { libc } from './libc.ts';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid. */
const UCRED_BYTES = 12;

const getsockopt: (
  fd: number,
  level: number,
  name: number,
  value: Uint8Array,
  byteLength: number[],
) => number = libc.func(
  'int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ uint *byteLength)',
);

/**
 * Who connected a unix socket, as it was then (unix(7), SO_PEERCRED): pid 0 for a process that this pid namespace does
 * not show. Throws a `SystemError` for what is no socket.
 */
export function peerCredentials(fd: number): { pid: number; uid: number } {
  const ucred = Buffer.alloc(UCRED_BYTES);
  checked('getsockopt', getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, [UCRED_BYTES]));
  return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4) };
}

/**
 * A process's name for itself, at most 15 bytes (proc(5), comm); empty where there is no such process. Reads
 * synchronously, as procfs waits for no disk: later, the pid might have changed hands.
 */
export function programName(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').replace(/\n$/, '');
  } catch {
    return '';
  }
}
