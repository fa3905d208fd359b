import { unixNanoseconds } from '../linux/clock.ts';
import { createEndSet, type EndSet } from '../linux/end-set.ts';
import { descriptorLimit } from '../linux/rlimit.ts';
import { type ExitedChild, peekExited, reap } from '../linux/waitid.ts';

/** `status` is 128 + signal where a signal ended the process; `timestamp` is when it was reaped, in unix nanoseconds. */
export type ReapedProcess = { pid: number; status: number; timestamp: bigint };

export type Reaper = {
  /** Calls back once, with the exit of a child that is a zombie still, so that its pid and its group are its own. */
  expect(pid: number, onExit: (exit: ReapedProcess) => void): void;
  /** Whether somebody waits for the exit of this pid. */
  expects(pid: number): boolean;
};

/** What the kernel says of the children of this process. */
export type Children = {
  ends: EndSet;
  /** Some child that is a zombie, or the one named. */
  peek(pid?: number): ExitedChild | undefined;
  reap(pid: number): void;
  onExit(look: () => void): void;
};

/** How much of its time the shim may search for children that nobody expects. */
const SEARCH_SHARE = 0.002;
/** How long they may be zombies in return. */
const MOST_DELAY_MS = 1_000;
/** How long a search may go on where there is always one more, before others have their turn. */
const MOST_SEARCH_MS = 5;
/** A timer takes as long at least; what is due sooner is done at once. */
const LEAST_DELAY_MS = 1;

/**
 * Reaps every child of this process, those that it has adopted included. Nothing else here may start or wait for
 * children: libuv takes its own pid by pid and would find them gone, so `node:child_process` is out of bounds for the
 * whole shim (biome.json sees to that).
 *
 * The end of one that is expected is seen at once and at the same cost however many there are. All others have to be
 * searched for among all children, which is put off where it takes long: it finds whatever is not seen otherwise.
 *
 * `onUnexpected` is called for a child that nobody expects, while it is still a zombie that /proc knows.
 */
export function createReaper(
  onUnexpected: (exit: ReapedProcess) => void,
  { ends, peek, reap, onExit }: Children = children(),
): Reaper {
  const expected = new Map<number, (exit: ReapedProcess) => void>();
  let searchAt = 0;
  let searchTimer: NodeJS.Timeout | undefined;

  const take = (child: ExitedChild): void => {
    const { pid } = child;
    const onExit = expected.get(pid) ?? onUnexpected;
    expected.delete(pid);
    ends.delete(pid);
    onExit({ ...child, timestamp: unixNanoseconds() });
    reap(pid);
  };
  const takeOne = (pid: number): void => {
    // It is told of once, whether it can be taken or not.
    ends.delete(pid);
    const child = peek(pid);
    if (child !== undefined) take(child);
  };
  const search = (): void => {
    searchTimer = undefined;
    const startedAt = performance.now();
    let begunAt = startedAt;
    for (let child = peek(); child !== undefined; child = peek()) {
      take(child);
      begunAt = performance.now();
      if (begunAt - startedAt < MOST_SEARCH_MS) continue;
      searchTimer = setTimeout(search, MOST_SEARCH_MS);
      return;
    }
    // The last look was at all of them.
    const endedAt = performance.now();
    searchAt = endedAt + Math.min((endedAt - begunAt) / SEARCH_SHARE, MOST_DELAY_MS);
  };
  // One signal may stand for many exits.
  onExit(() => {
    for (let pids = ends.ended(); pids.length > 0; pids = ends.ended()) pids.forEach(takeOne);
    if (searchTimer !== undefined) return;
    const delayMs = searchAt - performance.now();
    if (delayMs < LEAST_DELAY_MS) search();
    else searchTimer = setTimeout(search, delayMs);
  });
  return {
    expect: (pid, onExit) => {
      expected.set(pid, onExit);
      ends.add(pid);
      // The signal of one that has ended already has been.
      if (peek(pid) !== undefined) setImmediate(takeOne, pid);
    },
    expects: (pid) => expected.has(pid),
  };
}

const children = (): Children => ({
  // The rest of the descriptors is for what containers say and hear.
  ends: createEndSet(Number(descriptorLimit().soft / 4n)),
  peek: peekExited,
  reap,
  onExit: (look) => process.on('SIGCHLD', look),
});
