import { openSync, readFileSync, writeSync } from 'node:fs';
import { descriptorLimit, setDescriptorLimit } from '../linux/rlimit.ts';

/** Where the kernel keeps how likely a process is to be killed for want of memory (proc(5)). */
const OOM_SCORE_PATH = '/proc/self/oom_score_adj';
const NEUTRAL = '0';

/**
 * How many descriptors a container may have open, from the `soft:hard` that the launcher noted (`ulimit -Sn`, `-Hn`)
 * before Node raised its own soft limit. Undefined where there is no such note, or it says `unlimited`.
 */
export function parseDescriptorLimit(note: string | undefined): bigint | undefined {
  const soft = note?.split(':')[0] ?? '';
  return /^\d+$/.test(soft) ? BigInt(soft) : undefined;
}

/**
 * Runs `start`, which starts a child, while this process is what a child should inherit from: the soft limit of
 * descriptors that containers are to have, and no bias of the kernel's OOM killer. Umask and signals are seen to elsewhere
 * (umask at start-up, signals by posix_spawn).
 * The limit is the whole process's: an open(2) on another thread can fail with EMFILE meanwhile, and is tried again.
 */
export type Inheritance = <T>(start: () => T) => T;

export function createInheritance(softDescriptors: bigint | undefined): Inheritance {
  const own = descriptorLimit();
  const limit =
    softDescriptors === undefined || softDescriptors >= own.soft
      ? undefined
      : { ...own, soft: softDescriptors };
  const oomScore = readFileSync(OOM_SCORE_PATH, 'utf8').trim();
  const oomScoreFile = oomScore === NEUTRAL ? undefined : openSync(OOM_SCORE_PATH, 'w');
  const setOomScore = (score: string): void => {
    if (oomScoreFile !== undefined) {
      writeSync(oomScoreFile, score, 0);
    }
  };
  return (start) => {
    setOomScore(NEUTRAL);
    if (limit !== undefined) {
      setDescriptorLimit(limit);
    }
    try {
      return start();
    } finally {
      if (limit !== undefined) {
        setDescriptorLimit(own);
      }
      try {
        setOomScore(oomScore);
      } catch {
        // Without CAP_SYS_RESOURCE it cannot be lowered again: the shim stays neutral itself.
      }
    }
  };
}
