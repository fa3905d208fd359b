import koffi from 'koffi';
import { checked } from './error.ts';
import { libc } from './libc.ts';

const RLIMIT_STACK = 3;
const RLIMIT_NOFILE = 7;
const OWN = 0;

/** Soft and hard value of a resource limit; `RLIM_INFINITY` is 2^64 - 1. */
export type ResourceLimit = { soft: bigint; hard: bigint };

const rlimit = koffi.struct({ rlim_cur: 'uint64_t', rlim_max: 'uint64_t' });
type CLimit = { rlim_cur: number | bigint; rlim_max: number | bigint };

const prlimit: (pid: number, resource: number, next: CLimit | null, previous: CLimit | null) => number =
  libc.func('prlimit', 'int', ['int', 'int', koffi.pointer(rlimit), koffi.out(koffi.pointer(rlimit))]);

function limitOf(pid: number, resource: number): ResourceLimit {
  const limit: CLimit = { rlim_cur: 0, rlim_max: 0 };
  checked('prlimit', prlimit(pid, resource, null, limit));
  return { soft: BigInt(limit.rlim_cur), hard: BigInt(limit.rlim_max) };
}

/** How many descriptors this process, or the one named, may have open (RLIMIT_NOFILE of getrlimit(2)). */
export const descriptorLimit = (pid = OWN): ResourceLimit => limitOf(pid, RLIMIT_NOFILE);

/** How many bytes the stack of this process, and of those that it starts, may take (RLIMIT_STACK of getrlimit(2)). */
export const stackLimit = (): ResourceLimit => limitOf(OWN, RLIMIT_STACK);

/** Sets how many descriptors this process and those that it starts from now on may have open. */
export function setDescriptorLimit({ soft, hard }: ResourceLimit): void {
  checked('prlimit', prlimit(OWN, RLIMIT_NOFILE, { rlim_cur: soft, rlim_max: hard }, null));
}
