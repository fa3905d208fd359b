import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readNow } from '../../src/linux/descriptor.ts';
import { watchFd } from '../../src/linux/watch.ts';
import { within } from './deadline.ts';

/** Opens a FIFO as a reader that is there before any writer. */
export const openReader = (path: string): number => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);

/** Everything that comes out of a FIFO until its end. */
export async function readAll(reader: number, pauseMs = 0): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const piece = Buffer.alloc(65_536);
  const whole = new Promise<void>((resolve) => {
    const watch = watchFd(reader, { readable: true }, async () => {
      const byteLength = readNow(reader, piece) ?? -1;
      if (byteLength === 0) {
        watch.close();
        resolve();
      } else if (byteLength > 0) {
        pieces.push(Buffer.from(piece.subarray(0, byteLength)));
        if (pauseMs > 0) {
          watch.expect({});
          await sleep(pauseMs);
          watch.expect({ readable: true });
        }
      }
    });
  });
  await within(60_000, 'the end of the FIFO', whole);
  closeSync(reader);
  return Buffer.concat(pieces);
}
