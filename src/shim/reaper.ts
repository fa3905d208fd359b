import { unixNanoseconds } from '../linux/clock.ts';
import { peekExited, reap } from '../linux/waitid.ts';

/** `status` is 128 + signal where a signal ended the process; `timestamp` is when it was reaped, in unix nanoseconds. */
export type ReapedProcess = { pid: number; status: number; timestamp: bigint };

export type Reaper = {
  /** Calls back once, with the exit of a child that is a zombie still, so that its pid and its group are its own. */
  expect(pid: number, onExit: (exit: ReapedProcess) => void): void;
  /** Whether somebody waits for the exit of this pid. */
  expects(pid: number): boolean;
};

/**
 * Reaps every child of this process, those that it has adopted included. Nothing else here may start or wait for
 * children: libuv takes its own pid by pid and would find them gone, so `node:child_process` is out of bounds for the
 * whole shim (biome.json sees to that).
 * `onUnexpected` is called for a child that nobody expects, while it is still a zombie that /proc knows.
 */
export function createReaper(onUnexpected: (exit: ReapedProcess) => void): Reaper {
  const expected = new Map<number, (exit: ReapedProcess) => void>();
  // One signal may stand for many exits.
  const reapAll = (): void => {
    for (let child = peekExited(); child !== undefined; child = peekExited()) {
      const exit = { ...child, timestamp: unixNanoseconds() };
      const onExit = expected.get(child.pid) ?? onUnexpected;
      expected.delete(child.pid);
      onExit(exit);
      reap(child.pid);
    }
  };
  process.on('SIGCHLD', reapAll);
  return {
    expect: (pid, onExit) => {
      expected.set(pid, onExit);
    },
    expects: (pid) => expected.has(pid),
  };
}
