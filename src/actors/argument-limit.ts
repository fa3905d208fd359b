import { ContainerdError } from '../errors.ts';
import { stackLimit } from '../linux/rlimit.ts';
import type { Inherited } from '../machines/messages.ts';

/**
 * What execve(2) takes of arguments and environment ("Limits on size of arguments and environment"). runc has let go of
 * a process before that call, so that one it refuses would be a process that ran and failed.
 */

/** MAX_ARG_STRLEN, 32 pages with the NUL that ends a string. */
const MAX_STRING_BYTES = 32 * 4096 - 1;
/** The least and the most that all strings together may take, however small or large the stack (ARG_MAX, _STK_LIM). */
const [LEAST_BYTES, MOST_BYTES] = [128 * 1024, 6 * 1024 * 1024];
/** The kernel and runc add the program's path and HOME. */
const RESERVED_BYTES = 8 * 1024;
const POINTER_BYTES = 8;
const NUL_BYTES = 1;

/** Throws `invalidArgument` for more than the kernel would take from a process with the limits inherited. */
export function checkArgumentLimit(strings: readonly string[], inherited: Inherited): void {
  const lengths = strings.map((it) => Buffer.byteLength(it));
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  if (longest > MAX_STRING_BYTES) {
    const what = `an argument or variable has ${longest} bytes, more than ${MAX_STRING_BYTES}`;
    throw new ContainerdError('invalidArgument', what);
  }
  const total = lengths.reduce((sum, length) => sum + length + NUL_BYTES + POINTER_BYTES, 0);
  const most = Math.min(Math.max(stackBytes(inherited) / 4, LEAST_BYTES), MOST_BYTES) - RESERVED_BYTES;
  if (total > most) {
    const what = `arguments and environment take ${total} bytes, more than ${Math.floor(most)}`;
    throw new ContainerdError('invalidArgument', what);
  }
}

/** The bundle's own limit, else ours, which the shim has and passes on as well. */
function stackBytes({ process: { rlimits } }: Inherited): number {
  const limits: unknown[] = Array.isArray(rlimits) ? rlimits : [];
  for (const limit of limits as ({ type?: unknown; soft?: unknown } | null)[]) {
    if (limit?.type === 'RLIMIT_STACK' && typeof limit.soft === 'number') return limit.soft;
  }
  return Number(stackLimit().soft);
}
