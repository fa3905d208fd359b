import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { pino } from 'pino';

const STDOUT = 1;
/** What waits for a reader that does not read; what is more is left out. */
const MAX_UNREAD_BYTES = 64 * 1024;

export type Stdout = {
  /** Never waits. */
  write(text: string): void;
  close(): void;
};

/** Our stdout, for what may be missed: a reader that does not read delays nobody, not even the end of the process. */
export function openStdout(): Stdout {
  const kind = fstatSync(STDOUT);
  if (!kind.isFIFO() && !kind.isSocket()) {
    const file = pino.destination({ fd: STDOUT, sync: false, maxLength: MAX_UNREAD_BYTES });
    return { write: (text) => file.write(text), close: () => {} };
  }
  // A write to a pipe that is full would occupy a thread of libuv, which the process waits for when it ends.
  const stream = new Socket({ fd: STDOUT, readable: false, writable: true });
  // The reader has gone.
  stream.on('error', () => stream.destroy());
  return {
    write(text) {
      if (stream.writable && stream.writableLength < MAX_UNREAD_BYTES) stream.write(text);
    },
    close: () => stream.destroy(),
  };
}
