import { libc } from './libc.ts';

/** struct pidfd_info in its first size, and what asks for it (include/uapi/linux/pidfd.h, Linux 6.13). */
const INFO_BYTES = 64;
const PIDFD_GET_INFO = 0xc040ff0b;
/** Linux 6.15: what a process that has been reaped ended with. */
const PIDFD_INFO_EXIT = 1n << 3n;
const MASK_OFFSET = 0;
const EXIT_CODE_OFFSET = 60;

const ioctl: (fd: number, request: number, info: Buffer) => number = libc.func(
  'int ioctl(int fd, ulong request, _Inout_ void *info)',
);

/** The exit status in a wait(2) status: 128 + signal for what a signal ended. */
export const statusOf = (waitStatus: number): number => {
  const signal = waitStatus & 0x7f;
  return signal === 0 ? (waitStatus >> 8) & 0xff : 128 + signal;
};

/**
 * How the process ended that a pidfd stands for, once somebody has reaped it; undefined before that, and where the kernel
 * does not tell (before Linux 6.15).
 */
export function reapedStatus(pidfd: number): number | undefined {
  const info = Buffer.alloc(INFO_BYTES);
  info.writeBigUInt64LE(PIDFD_INFO_EXIT, MASK_OFFSET);
  if (ioctl(pidfd, PIDFD_GET_INFO, info) < 0) return undefined;
  const told = (info.readBigUInt64LE(MASK_OFFSET) & PIDFD_INFO_EXIT) !== 0n;
  return told ? statusOf(info.readInt32LE(EXIT_CODE_OFFSET)) : undefined;
}
