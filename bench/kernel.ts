import { readFile } from 'node:fs/promises';

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
