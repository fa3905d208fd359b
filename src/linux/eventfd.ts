import { checked } from './error.ts';
import { libc } from './libc.ts';

const EFD_NONBLOCK = 0o4000;
const EFD_CLOEXEC = 0o2000000;

const eventfdCall: (initial: number, flags: number) => number = libc.func(
  'int eventfd(uint initial, int flags)',
);

/** A counter that the kernel or a process raises: readable, 8 bytes, once it is not zero; non-blocking (eventfd(2)). */
export function createEventfd(): number {
  return checked('eventfd', eventfdCall(0, EFD_CLOEXEC | EFD_NONBLOCK));
}
