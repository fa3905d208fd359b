import { inTime } from './patience.ts';

/** How long to wait, and what then; what comes too late is handed to `leave`, for whatever has to be undone of it. */
export type Patience<T> = {
  timeoutMs: number;
  /** The task was not begun: those before it have not ended. */
  noTurn: () => Error;
  /** It was, and has not ended. */
  late: () => Error;
  leave?: (value: T) => void;
};

/**
 * Lets tasks through in their order, a number of them at a time. One that is given up keeps its place until it has ended;
 * one that waits still is not begun any more.
 */
export type Gate = <T>(task: () => Promise<T>, patience?: Patience<T>) => Promise<T>;

/** A gate that lets `width` tasks through at a time. */
export function createGate(width: number): Gate {
  const waiting = new Set<() => void>();
  let free = width;

  const leave = (): void => {
    const [next] = waiting;
    if (next === undefined) {
      free += 1;
      return;
    }
    waiting.delete(next);
    next();
  };
  const turn = (patience?: Pick<Patience<unknown>, 'timeoutMs' | 'noTurn'>): Promise<void> =>
    new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const begin = (): void => {
        clearTimeout(timer);
        resolve();
      };
      waiting.add(begin);
      if (patience === undefined) return;
      timer = setTimeout(() => {
        waiting.delete(begin);
        reject(patience.noTurn());
      }, patience.timeoutMs);
    });
  const through = async <T>(task: () => Promise<T>): Promise<T> => {
    try {
      return await task();
    } finally {
      leave();
    }
  };
  return async (task, patience) => {
    if (free > 0) free -= 1;
    else await turn(patience);
    if (patience === undefined) return through(task);
    const { timeoutMs, late, leave: undo = () => {} } = patience;
    return inTime(timeoutMs, through(task), { late, leave: undo });
  };
}
