import { readFileSync } from 'node:fs';
import { checked } from './error.ts';
import { libc } from './libc.ts';

/** The usual policy, and that of programs which, when they wake, do not take the processor from the one that runs (sched(7)). */
export const SCHED_OTHER = 0;
export const SCHED_BATCH = 3;

const getScheduler: (id: number) => number = libc.func('int sched_getscheduler(int id)');
const setScheduler: (id: number, policy: number, parameters: Buffer) => number = libc.func(
  'int sched_setscheduler(int id, int policy, const void *parameters)',
);

/** struct sched_param: the priority of real time, which neither policy has. */
const NO_PRIORITY = Buffer.alloc(4);

/** CAP_SYS_NICE (capabilities(7)), without which another user's process cannot be given a policy. */
const CAP_SYS_NICE = 1n << 23n;

/** The policy of a process's main thread, or of another thread; 0 is the caller. Throws a `SystemError` (ESRCH). */
export const schedulingPolicy = (id: number): number => checked('sched_getscheduler', getScheduler(id));

/** Runs `start`, which starts a child, while this thread, whose own is one of them, has the policy that the child is to have. */
export function asScheduled<T>(policy: typeof SCHED_OTHER | typeof SCHED_BATCH, start: () => T): T {
  const own = schedulingPolicy(0);
  checked('sched_setscheduler', setScheduler(0, policy, NO_PRIORITY));
  try {
    return start();
  } finally {
    checked('sched_setscheduler', setScheduler(0, own, NO_PRIORITY));
  }
}

/** Gives a thread a policy, a process's main thread by its pid; its nice value stays. Throws a `SystemError` (ESRCH). */
export function setSchedulingPolicy(id: number, policy: typeof SCHED_OTHER | typeof SCHED_BATCH): void {
  checked('sched_setscheduler', setScheduler(id, policy, NO_PRIORITY));
}

/** Whether this process has the usual policy, and may give itself and others the other. Looks at /proc at once. */
export function canChangePolicies(): boolean {
  if (schedulingPolicy(0) !== SCHED_OTHER || (effectiveCapabilities() & CAP_SYS_NICE) === 0n) return false;
  try {
    // A seccomp filter may have something against it.
    asScheduled(SCHED_BATCH, () => {});
    return true;
  } catch {
    return false;
  }
}

function effectiveCapabilities(): bigint {
  const [, digits = '0'] = /^CapEff:\s+([\da-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return BigInt(`0x${digits}`);
}
