import { checked } from './error.ts';
import { libc } from './libc.ts';

const PR_SET_CHILD_SUBREAPER = 36;

const prctl: (option: number, value: number, a: number, b: number, c: number) => number = libc.func(
  'int prctl(int option, ulong value, ulong a, ulong b, ulong c)',
);

/** Makes this process the parent of every descendant whose own parent ends (PR_SET_CHILD_SUBREAPER of prctl(2)). */
export function setChildSubreaper(): void {
  checked('prctl', prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}
