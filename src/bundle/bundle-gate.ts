import { ContainerdError } from '../errors.ts';
import { createGate } from '../gate.ts';

/** A large bundle takes memory while it is read, and one on a disk that has stopped a thread of libuv's four. */
const AT_ONCE = 2;
/** How long one may wait for others, and then take itself. */
const TIMEOUT_MS = 10_000;

const gate = createGate(AT_ONCE);

/**
 * Does something with a bundle's files for a client. Rejects as that does, with `bundleInvalid` where they take too long, or
 * with `hostLimit` where those of others do, so that its turn does not come.
 */
export const withBundle = <T>(task: () => Promise<T>): Promise<T> =>
  gate(task, {
    timeoutMs: TIMEOUT_MS,
    noTurn: () => new ContainerdError('hostLimit', 'bundles that others wait for take too long'),
    late: () => new ContainerdError('bundleInvalid', 'its file system does not answer'),
  });
