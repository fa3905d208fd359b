import { processStat } from '../linux/process-stat.ts';
import type { ReapedProcess } from './reaper.ts';

/** A process that ended before anyone knew whose it was. */
export type Stray = ReapedProcess & { startTime: bigint };

/** What strayed while a start was in flight. */
export type StrayWatch = { find(pid: number): Stray | undefined; close(): void };

/**
 * Exits that nobody expected. A container can end before the runtime that starts it has, and so before its pid is known:
 * each start in flight is therefore shown every stray until it has read the pid of its own, and no stray is kept longer.
 */
export type Strays = { keep(exit: ReapedProcess): void; watch(): StrayWatch };

export function createStrays(): Strays {
  const watches = new Set<Map<number, Stray>>();
  return {
    /** Must be called while the process is a zombie, of which /proc still knows the start. */
    keep(exit) {
      if (watches.size === 0) {
        return;
      }
      const stray = { ...exit, startTime: processStat(exit.pid)?.startTime ?? 0n };
      for (const strays of watches) {
        strays.set(exit.pid, stray);
      }
    },
    watch() {
      const strays = new Map<number, Stray>();
      watches.add(strays);
      return {
        find: (pid) => strays.get(pid),
        close: () => {
          watches.delete(strays);
        },
      };
    },
  };
}
