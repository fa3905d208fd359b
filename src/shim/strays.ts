import { processStat } from '../linux/process-stat.ts';
import type { ReapedProcess } from './reaper.ts';

/** A process that ended before anyone knew whose it was. */
export type Stray = ReapedProcess & { startTime: bigint };

/** What strayed while a start was in flight; `next` resolves when one more has. */
export type StrayWatch = { find(pid: number): Stray | undefined; next(): Promise<void>; close(): void };

/**
 * Exits that nobody expected. A container can end before the runtime that starts it has, and so before its pid is known:
 * each start in flight is therefore shown every stray until it has read the pid of its own, and no stray is kept longer.
 */
export type Strays = { keep(exit: ReapedProcess): void; watch(): StrayWatch };

export function createStrays(): Strays {
  const watches = new Set<{ strays: Map<number, Stray>; onNext: () => void }>();
  return {
    /** Must be called while the process is a zombie, of which /proc still knows the start. */
    keep(exit) {
      if (watches.size === 0) {
        return;
      }
      const stray = { ...exit, startTime: processStat(exit.pid)?.startTime ?? 0n };
      for (const { strays, onNext } of watches) {
        strays.set(exit.pid, stray);
        onNext();
      }
    },
    watch() {
      const strays = new Map<number, Stray>();
      const watch = { strays, onNext: () => {} };
      watches.add(watch);
      return {
        find: (pid) => strays.get(pid),
        next: () =>
          new Promise((resolve) => {
            watch.onNext = resolve;
          }),
        close: () => {
          watches.delete(watch);
        },
      };
    },
  };
}
