/** How far apart the two clocks may be: what is read between them takes its time. */
const MAX_APART_MS = 1000;

let originMs = performance.timeOrigin;

/**
 * Unix milliseconds, with a fraction. Node's clock with one knows nothing of a system clock that is set, nor of the time
 * that the host sleeps, so that it is set by the system's then.
 */
export function now(): number {
  const systemMs = Date.now();
  const nowMs = originMs + performance.now();
  if (Math.abs(systemMs - nowMs) <= MAX_APART_MS) return nowMs;
  originMs += systemMs - nowMs;
  return systemMs;
}
