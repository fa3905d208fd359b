import { writeFileSync } from 'node:fs';

/**
 * Gives this process a name in the place of `node` (proc(5), comm): it is what the daemon's history calls a client. Its
 * command line stays as it is, which `process.title` would write over.
 */
export function takeName(name: string): void {
  try {
    writeFileSync('/proc/self/comm', name);
  } catch {
    // It goes by the other one, where procfs is read-only.
  }
}
