import { closeSync, openSync, readSync } from 'node:fs';

/** Of /proc/<pid>/stat (proc(5)). */
export type ProcessStat = {
  /** One letter: `R` running, `S` sleeping, `Z` zombie, … */
  state: string;
  parentPid: number;
  /** When the kernel started it, in clock ticks since boot (field 22): with the pid, who it is. */
  startTime: bigint;
  /** It is dying, or dead and not reaped: it will start nothing any more (PF_EXITING of linux/sched.h). */
  ending: boolean;
  /** What a zombie ended with, as wait(2) has it (field 52; for root). */
  waitStatus: number;
};

const STATE = 0;
const PARENT_PID = 1;
const FLAGS = 6;
const START_TIME = 19;
const EXIT_CODE = 49;
const PF_EXITING = 0x4;

/** 52 numbers and a name of 16 bytes at most, which /proc escapes: all of it comes with one read(2). */
const buffer = Buffer.alloc(2048);

/** Two thirds of what `readFileSync` takes, which asks for the size first, and for more afterwards. */
function contents(path: string): string {
  const fd = openSync(path, 'r');
  try {
    return buffer.toString('latin1', 0, readSync(fd, buffer));
  } finally {
    closeSync(fd);
  }
}

/**
 * What /proc says of a process, undefined where there is none. Reads synchronously: procfs does not wait for a disk, and
 * an answer that came later would be about a pid that might have changed hands.
 */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    return readProcessStat(pid);
  } catch {
    return undefined;
  }
}

const GONE = new Set(['ENOENT', 'ESRCH']);

/** The same for whoever must not take a process for gone that cannot be looked at; throws the kernel's error then. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = contents(`/proc/${pid}/stat`);
  } catch (error) {
    if (GONE.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
  // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    state: fields[STATE] ?? '',
    parentPid: Number(fields[PARENT_PID]),
    startTime: BigInt(fields[START_TIME] ?? 0),
    waitStatus: Number(fields[EXIT_CODE] ?? 0),
    ending: (Number(fields[FLAGS]) & PF_EXITING) !== 0,
  };
}
