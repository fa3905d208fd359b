import koffi from 'koffi';
import { checked } from './error.ts';
import { libc } from './libc.ts';

const RLIMIT_NOFILE = 7;
const OWN = 0;

/** Soft and hard value of a resource limit; `RLIM_INFINITY` is 2^64 - 1. */
export type ResourceLimit = { soft: bigint; hard: bigint };

const rlimit = koffi.struct({ rlim_cur: 'uint64_t', rlim_max: 'uint64_t' });
type CLimit = { rlim_cur: number | bigint; rlim_max: number | bigint };

const prlimit: (pid: number, resource: number, next: CLimit | null, previous: CLimit | null) => number =
  libc.func('prlimit', 'int', ['int', 'int', koffi.pointer(rlimit), koffi.out(koffi.pointer(rlimit))]);

/** How many descriptors this process, or the one named, may have open (RLIMIT_NOFILE of getrlimit(2)). */
export function descriptorLimit(pid = OWN): ResourceLimit {
  const limit: CLimit = { rlim_cur: 0, rlim_max: 0 };
  checked('prlimit', prlimit(pid, RLIMIT_NOFILE, null, limit));
  return { soft: BigInt(limit.rlim_cur), hard: BigInt(limit.rlim_max) };
}

/** Sets how many descriptors this process and those that it starts from now on may have open. */
export function setDescriptorLimit({ soft, hard }: ResourceLimit): void {
  checked('prlimit', prlimit(OWN, RLIMIT_NOFILE, { rlim_cur: soft, rlim_max: hard }, null));
}
