/** Waits for a promise that never rejects, but not longer than `timeoutMs`. */
export function atMost(timeoutMs: number, promise: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    promise.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
