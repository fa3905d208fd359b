import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';

const STANDARD = [0, 1, 2];

/**
 * Lets the program end with its own status though its terminal may have gone: Node 20 gives back a terminal that it was
 * started with as it ends, and aborts where that fails, but not for a descriptor that is closed (node::ResetStdio).
 */
export function endThoughHungUp(): void {
  const terminals = STANDARD.filter((fd) => isatty(fd));
  process.once('exit', () => {
    // Whatever is asked of a terminal that is there no more fails with EIO (tty_ioctl(4)): it is none then.
    for (const fd of terminals) if (!isatty(fd)) closeSync(fd);
  });
}
