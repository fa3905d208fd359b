import { closeAside, openSink, openSource } from './open.ts';
import { createSink, type Sink } from './sink.ts';
import type { StdioPaths } from './stdio.ts';
import type { Source } from './stream.ts';

/** The client's side of a process's stdio; what has an empty path is absent, stdout and stderr may be the same. */
export type ClientSides = { stdin?: Source; stdout?: Sink; stderr?: Sink };

/**
 * Opens the client's paths; stdout and stderr that lead to one file are one sink. Rejects with a `ShimError` (`stdio`) for the first that
 * cannot be opened, and leaves nothing open then.
 */
export async function openClientSides({ stdin, stdout, stderr, append }: StdioPaths): Promise<ClientSides> {
  const sides: ClientSides = {};
  try {
    if (stdin !== '') {
      const { fd, kind } = await openSource(stdin);
      sides.stdin = { fd, kind, close: () => closeAside(fd) };
    }
    const out = stdout === '' ? undefined : await openSink(stdout, append);
    if (out !== undefined) {
      sides.stdout = createSink(out);
    }
    const err = stderr === '' ? undefined : await openSink(stderr, append);
    if (err !== undefined && sides.stdout !== undefined && err.identity === out?.identity) {
      closeAside(err.fd);
      sides.stderr = sides.stdout;
    } else if (err !== undefined) {
      sides.stderr = createSink(err);
    }
    return sides;
  } catch (error) {
    closeSides(sides);
    throw error;
  }
}

/** Closes what has been opened and will not be copied. */
export function closeSides(sides: ClientSides): void {
  for (const side of new Set(Object.values(sides))) {
    side.close();
  }
}
