/**
 * Gives what a promise does, in time; else rejects with what `late` makes. What comes too late is handed to `leave`, for
 * whatever has to be undone of it.
 */
export async function inTime<T>(
  timeoutMs: number,
  promise: Promise<T>,
  { late, leave }: { late: () => Error; leave: (value: T) => void },
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      promise.then(leave, () => {});
      reject(late());
    }, timeoutMs);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for a promise that never rejects, if there is one, but not longer than `timeoutMs`. */
export function atMost(timeoutMs: number, promise: Promise<void> | undefined): Promise<void> {
  if (promise === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    promise.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
