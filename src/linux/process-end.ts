import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { SystemError } from './error.ts';
import { reapedStatus, statusOf } from './exit-info.ts';
import { isReadable } from './poll.ts';
import { processStat, readProcessStat } from './process-stat.ts';
import { pidfdOpen, pidfdSendSignal } from './signal.ts';
import { watchFd } from './watch.ts';

/** A process that is not our child, held by a pidfd: it cannot be mistaken for another that gets its pid. */
export type HeldProcess = {
  /** Resolves once it has ended: with its status, 128 + signal for what a signal ended; undefined where nobody tells. */
  ended: Promise<number | undefined>;
  /** Sends it a signal; throws a SystemError (ESRCH) once it has ended, or has been let go of. */
  signal(signal: number): void;
  /** Sends it SIGKILL; one that has ended needs none. */
  kill(): void;
  /** Lets go of it. */
  release(): void;
};

/**
 * Takes hold of a process; undefined if it has ended, or if the pid is another's by now (`startTime`, in clock ticks,
 * tells who it is). A zombie has ended, unless only its first thread is one. Throws where there is no telling, as out of descriptors.
 */
export function holdProcess(pid: number, startTime: bigint): HeldProcess | undefined {
  let pidfd: number;
  try {
    pidfd = pidfdOpen(pid);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
  let isIt = false;
  try {
    isIt = readProcessStat(pid)?.startTime === startTime && !isReadable(pidfd);
  } finally {
    if (!isIt) closeSync(pidfd);
  }
  if (!isIt) return undefined;
  let released = false;
  let watch: ReturnType<typeof watchFd> | undefined;
  const release = () => {
    if (released) return;
    released = true;
    watch?.close();
    closeSync(pidfd);
  };
  const ended = new Promise<number | undefined>((resolve) => {
    watch = watchFd(pidfd, { readable: true }, () => {
      // Whoever adopted it may reap it between the two looks, but not before the first and after the second.
      const status = endedStatus(pid, startTime) ?? reapedStatus(pidfd);
      release();
      resolve(status);
    });
  });
  const signal = (signal: number) => {
    // The number is another's by now.
    if (released) throw new SystemError('pidfd_send_signal', constants.errno.ESRCH);
    pidfdSendSignal(pidfd, signal);
  };
  const kill = () => {
    try {
      signal(constants.signals.SIGKILL);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  };
  return { ended, signal, kill, release };
}

const isGone = (error: unknown): boolean =>
  error instanceof SystemError && error.errno === constants.errno.ESRCH;

/** How a process ended that nobody has reaped yet; undefined for any other. */
export function endedStatus(pid: number, startTime: bigint): number | undefined {
  const stat = processStat(pid);
  if (stat === undefined || stat.startTime !== startTime || stat.state !== 'Z') return undefined;
  return statusOf(stat.waitStatus);
}
