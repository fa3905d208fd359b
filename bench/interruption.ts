/** A terminal sends Ctrl-C to the whole foreground group, and npm passes it on again: within this time it is one. */
const SAME_KEYSTROKE_MS = 500;

/**
 * Aborts once the program is told to end (INT, TERM or HUP), for it to clean up. Told again, it ends without.
 * The reason is an Error that says `interrupted`.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  let toldMs = Number.POSITIVE_INFINITY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (performance.now() - toldMs > SAME_KEYSTROKE_MS) process.exit(1);
      toldMs = Math.min(toldMs, performance.now());
      controller.abort(new Error('interrupted'));
    });
  }
  return controller.signal;
}
