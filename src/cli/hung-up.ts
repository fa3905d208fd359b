import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { SystemError } from '../linux/error.ts';
import { terminalSettings } from '../linux/terminal.ts';

const STANDARD = [0, 1, 2];

/** Whether a descriptor is of a terminal that is there no more: whatever is asked of that fails with EIO (tty_ioctl(4)). */
export function isHungUp(fd: number): boolean {
  try {
    terminalSettings(fd);
    return false;
  } catch (error) {
    return error instanceof SystemError && error.errno === constants.errno.EIO;
  }
}

/**
 * Lets the program end with its own status though its terminal may have gone: Node 20 gives back a terminal that it was
 * started with as it ends, and aborts where that fails, but not for a descriptor that is closed (node::ResetStdio).
 */
export function endThoughHungUp(): void {
  process.once('exit', () => {
    for (const fd of STANDARD) if (isHungUp(fd)) closeSync(fd);
  });
}
