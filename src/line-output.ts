import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { setNonblocking } from './linux/descriptor.ts';

/**
 * Where lines go that may be missed: written to a descriptor one batch after another, in order, without anybody waiting for it. A
 * reader that does not read costs bounded memory, and one that has gone (a closed pipe, a terminal hung up, a full
 * disk) costs the lines alone: a log is no reason for a daemon to stop, or not to.
 */
export type LineOutput = {
  write(line: string): void;
  /** Calls back once nothing waits any more, but after a second at the latest. */
  flush(done: () => void): void;
};

/** How much may wait for the reader, in UTF-16 units; what comes beyond is counted, and the count told. */
const MAX_WAITING = 1_000_000;
/** When to look again whether a non-blocking descriptor takes more. */
const RETRY_MS = 20;
/** How often to insist for the last words, when the process ends. */
const LAST_ATTEMPTS = 50;
const FLUSH_TIMEOUT_MS = 1_000;

/** `lostLine` says in a line how many were lost, where anybody is to know. */
export function createLineOutput(standard: number, lostLine = (_: number): string => ''): LineOutput {
  let waiting = '';
  let rest: Uint8Array | undefined;
  let lost = 0;
  let idle = () => {};
  const fd = withoutWaiting(standard);

  function next(): void {
    if (waiting === '') {
      idle();
      return;
    }
    const note = lost === 0 ? '' : lostLine(lost);
    const batch = Buffer.from(waiting + note);
    waiting = '';
    lost = 0;
    put(batch);
  }
  function put(batch: Uint8Array): void {
    rest = batch;
    write(fd, batch, (error, byteLength) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(put, RETRY_MS, batch);
        return;
      }
      // Any other error is of the descriptor, and the log the only place where it could be told.
      if (error === null && byteLength < batch.length) put(batch.subarray(byteLength));
      else {
        rest = undefined;
        next();
      }
    });
  }
  process.on('exit', () => {
    let last: Uint8Array = Buffer.concat([rest ?? new Uint8Array(), Buffer.from(waiting)]);
    for (let attempt = 0; attempt < LAST_ATTEMPTS && last.length > 0; attempt += 1) {
      try {
        last = last.subarray(writeSync(fd, last));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      }
    }
  });

  return {
    write(line) {
      if (waiting.length + line.length > MAX_WAITING) lost += 1;
      else waiting += line;
      if (rest === undefined) next();
    },
    flush(done) {
      if (rest === undefined) {
        done();
        return;
      }
      const timer = setTimeout(done, FLUSH_TIMEOUT_MS);
      idle = () => {
        clearTimeout(timer);
        done();
      };
    },
  };
}

/** A write that waits for a reader would hold a thread of libuv's, for which the process waits when it ends. */
function withoutWaiting(standard: number): number {
  const kind = fstatSync(standard);
  if (kind.isFIFO() || kind.isSocket()) setNonblocking(standard);
  if (!isatty(standard)) return standard;
  try {
    // A terminal is shared with whoever started us, who would find it non-blocking: it is opened once more.
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return openSync(`/proc/self/fd/${standard}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return standard;
  }
}
