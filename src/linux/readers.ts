import koffi from 'koffi';
import { checked } from './error.ts';
import { libc } from './libc.ts';

const POLLERR = 8;
const AT_ONCE = 0;

const pollfd = koffi.struct({ fd: 'int', events: 'short', revents: 'short' });
type PollFd = { fd: number; events: number; revents: number };

const poll: (descriptor: PollFd, count: number, timeoutMs: number) => number = libc.func('poll', 'int', [
  koffi.inout(koffi.pointer(pollfd)),
  'ulong',
  'int',
]);

/** Whether anyone has the other end of a pipe or FIFO open, of which `fd` can write only (POLLERR of poll(2)). */
export function hasReader(fd: number): boolean {
  const descriptor = { fd, events: 0, revents: 0 };
  checked('poll', poll(descriptor, 1, AT_ONCE));
  return (descriptor.revents & POLLERR) === 0;
}
