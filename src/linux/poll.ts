import { checked } from './error.ts';
import { libc } from './libc.ts';

const POLLIN = 1;
/** struct pollfd: the descriptor, and two bytes each for what is asked and what is so. */
const POLLFD_SIZE = 8;
const EVENTS_OFFSET = 4;
const FOUND_OFFSET = 6;

const pollCall: (fds: Buffer, count: number, timeoutMs: number) => number = libc.func(
  'int poll(_Inout_ void *fds, ulong count, int timeoutMs)',
);

/** Whether a descriptor is readable now, or can be no more (poll(2)): a pidfd is once all threads of its process have ended. */
export function isReadable(fd: number): boolean {
  const pollfd = Buffer.alloc(POLLFD_SIZE);
  pollfd.writeInt32LE(fd, 0);
  pollfd.writeInt16LE(POLLIN, EVENTS_OFFSET);
  checked('poll', pollCall(pollfd, 1, 0));
  return pollfd.readInt16LE(FOUND_OFFSET) !== 0;
}
