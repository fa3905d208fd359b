/**
 * How long something takes, in milliseconds, on a machine that has other work as well: the least of several times. `n` counts
 * them from 0.
 */
export async function leastOf(times: number, task: (n: number) => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < times; n += 1) {
    const before = performance.now();
    await task(n);
    least = Math.min(least, performance.now() - before);
  }
  return least;
}
