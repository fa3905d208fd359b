import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
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

/** How often the machine is looked at, and how much of that time it has to be idle. */
const LOOK_MS = 200;
const IDLE_SHARE = 0.95;
/** Where something else runs, it never is. */
const LOOKS = 25;

/** Resolves once the machine is idle, in some seconds at the most: the kernel frees the cgroups of many containers later. */
export async function settled(): Promise<void> {
  for (let look = 0, before = await cpuTicks(); look < LOOKS; look++) {
    await setTimeout(LOOK_MS);
    const after = await cpuTicks();
    if (after.idle - before.idle >= IDLE_SHARE * (after.all - before.all)) return;
    before = after;
  }
}

/** What all cores have done since boot, in ticks (proc(5), /proc/stat). */
async function cpuTicks(): Promise<{ all: number; idle: number }> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n', 1);
  const [, user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, ...others] = line.split(/\s+/).map(Number);
  const all = [user, nice, system, idle, ioWait, ...others].reduce((sum, ticks) => sum + ticks, 0);
  return { all, idle: idle + ioWait };
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
