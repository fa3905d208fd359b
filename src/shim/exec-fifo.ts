import { closeSync, constants, existsSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { SCHED_BATCH, SCHED_OTHER, schedulingPolicy, setSchedulingPolicy } from '../linux/scheduling.ts';
import { watchFd } from '../linux/watch.ts';
import { ShimError } from './error.ts';
import type { StrayWatch } from './strays.ts';

/**
 * Where `runc create` makes init wait: it opens this FIFO to write a byte, which it can once somebody reads, and then becomes
 * the container's program, by which the FIFO is closed. Whoever has read to the end removes the file, by which runc tells a
 * created container from a running one (libcontainer `execFifoFilename`, `handleFifoResult`; runc 1.0 to 1.3). `runc start` does
 * just that, at the cost of a runc.
 */

/** What runc has beside it. crun, which some hosts call runc, has another file there, and a FIFO that init reads from. */
const STATE_FILE = 'state.json';

const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

export type Waiting = {
  pid: number;
  fifo: string;
  /** Who of the shim's children has ended meanwhile. */
  watch: StrayWatch;
  /** 0 means never. */
  timeoutMs: number;
};

/**
 * Lets the init of a container go, to be scheduled as the shim is, and waits until it has become the container's program. Gives
 * whether it could: not where there is no such FIFO of a runc's. Rejects with a `ShimError`: `runtime` if init ends instead,
 * `timeout` if it does not come.
 */
export async function openExecFifo({ pid, fifo, watch, timeoutMs }: Waiting): Promise<boolean> {
  // A child of ours that has not been reaped, so that the pid is its own.
  if (watch.find(pid) === undefined) useOwnPolicy(pid);
  const fd = openFifo(fifo);
  if (fd === undefined) return false;
  try {
    const how = await whatBecomesOfInit(fd, { pid, watch, timeoutMs });
    if (how === 'late') throw new ShimError('timeout', `process ${pid} did not start within ${timeoutMs} ms`);
    if (how === 'ended') throw new ShimError('runtime', `process ${pid} has ended before it was started`);
  } finally {
    closeSync(fd);
  }
  remove(fifo);
  return true;
}

/** It was run as its runtime was. The main thread is the one that becomes the program (runc locks it); the others end then. */
function useOwnPolicy(pid: number): void {
  const own = schedulingPolicy(0);
  if (own === SCHED_OTHER && schedulingPolicy(pid) === SCHED_BATCH) setSchedulingPolicy(pid, own);
}

function openFifo(file: string): number | undefined {
  if (!existsSync(path.join(path.dirname(file), STATE_FILE))) return undefined;
  let fd: number;
  try {
    fd = openSync(file, FLAGS);
  } catch {
    return undefined;
  }
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  return undefined;
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    // The runtime's own `delete` may have been there.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Init has the FIFO open until it is the program, or has ended: what it wrote tells which. */
async function whatBecomesOfInit(
  fd: number,
  { pid, watch, timeoutMs }: Omit<Waiting, 'fifo'>,
): Promise<'started' | 'ended' | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  let closed = (): void => {};
  // What it writes before is no reason to wake.
  const fdWatch = watchFd(fd, { disconnect: true }, () => closed());
  try {
    const first = await Promise.race([
      new Promise<'closed'>((resolve) => {
        closed = () => resolve('closed');
      }),
      endOf(pid, watch),
      new Promise<'late'>((resolve) => {
        if (timeoutMs > 0) timer = setTimeout(resolve, timeoutMs, 'late');
      }),
    ]);
    // Of one that never came nothing is closed; one that was quick has written and ended.
    if (first === 'late') return first;
    return hasByte(fd) ? 'started' : 'ended';
  } finally {
    clearTimeout(timer);
    fdWatch.close();
  }
}

async function endOf(pid: number, watch: StrayWatch): Promise<'ended'> {
  while (watch.find(pid) === undefined) await watch.next();
  return 'ended';
}

function hasByte(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1)) === 1;
  } catch (error) {
    // The other end is open, and nothing was written.
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    return false;
  }
}
