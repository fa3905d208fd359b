import { readFile } from 'node:fs/promises';
import { processState } from '../test/e2e/fixtures/daemon.ts';
import { childrenOf } from '../test/e2e/fixtures/host.ts';
import { until } from '../test/e2e/fixtures/until.ts';

/** What the kernel says of a process (proc(5)). */

/** USER_HZ, in which times are counted there. */
const TICK_MS = 10;

/** User and system time that a process has taken, all threads, in milliseconds. */
export async function cpuMsOf(...pids: number[]): Promise<number> {
  const times = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/stat`, 'utf8');
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    }),
  );
  return times.reduce((sum, ms) => sum + ms, 0);
}

/** The memory that is a process's own, what it shares being divided among those that do, in kB of 1024 bytes. */
export async function proportionalKbOf(...pids: number[]): Promise<number> {
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
      return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1]);
    }),
  );
  return sizes.reduce((sum, kb) => sum + kb, 0);
}

/** How long a process may take to its end, whose parent has been killed. */
const PATIENCE_MS = 30_000;

/** Kills a process, and resolves once its children have come to their own end; an orphan may stay a zombie. */
export async function killAlone(pid: number | undefined): Promise<void> {
  if (pid === undefined) return;
  // Stopped, it has no child that was not there to be seen.
  process.kill(pid, 'SIGSTOP');
  const children = await childrenOf(pid);
  process.kill(pid, 'SIGKILL');
  for (const child of children)
    await until(async () => ['Z', undefined].includes((await processState(child.pid))?.letter), PATIENCE_MS);
}
