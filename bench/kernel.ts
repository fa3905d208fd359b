import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import koffi from 'koffi';
import { nanoseconds } from '../src/linux/clock.ts';
import { libc } from '../src/linux/libc.ts';
import { processState } from '../test/e2e/fixtures/daemon.ts';
import { childrenOf } from '../test/e2e/fixtures/host.ts';
import { until } from '../test/e2e/fixtures/until.ts';

/** What the kernel says of processes, and of the machine (proc(5), clock_getcpuclockid(3)). */

const clockGetcpuclockid: (pid: number, clock: [number]) => number = libc.func('clock_getcpuclockid', 'int', [
  'int',
  koffi.out('int *'),
]);

/** User and system time that processes have taken, in milliseconds: all threads, those as well that have ended. */
export function cpuMsOf(...pids: number[]): number {
  // /proc/PID/stat has it in ticks of 10 ms.
  const times = pids.map((pid) => {
    const clock: [number] = [0];
    if (clockGetcpuclockid(pid, clock) !== 0) throw new Error(`there is no process ${pid}`);
    return Number(nanoseconds(clock[0])) / 1e6;
  });
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
