import { constants } from 'node:os';
import { pendingBytes, readNow, writeNow } from '../../linux/descriptor.ts';
import { SystemError } from '../../linux/error.ts';
import { splice, spliceAside } from '../../linux/splice.ts';
import type { Gate } from './gate.ts';

/**
 * What an attempt to move bytes came to: how many were moved, the end of the source, or the side that has to become
 * ready before another attempt is worth it.
 */
export type Moved = number | 'end' | 'source' | 'sink';

/** Moves some bytes from one descriptor to another; throws what the kernel refuses. */
export type Transfer = () => Moved | Promise<Moved>;

/** More than a pipe holds, unless somebody made it larger. */
const CHUNK_BYTES = 1024 * 1024;
const BUFFER_BYTES = 64 * 1024;

/** Bytes on their way: nothing stays here from one attempt to the next. */
const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);

function outcome(moved: number | undefined, source: number): Moved {
  if (moved === undefined) {
    return pendingBytes(source) > 0 ? 'sink' : 'source';
  }
  return moved === 0 ? 'end' : moved;
}

/** Between two pipes or FIFOs: the kernel hands pages over, nothing is held here. */
export function spliceTransfer(source: number, sink: number): Transfer {
  return () => outcome(splice(source, sink, CHUNK_BYTES), source);
}

/** Between a pipe and a file, on another thread, one at a time for each gate. */
export function fileTransfer(source: number, sink: number, gate: Gate): Transfer {
  return async () => outcome(await gate(() => spliceAside(source, sink, CHUNK_BYTES)), source);
}

/**
 * Where splice(2) cannot: terminals and other devices. Holds back what the sink does not take, at most one buffer.
 * A terminal whose other end has been closed answers EIO, which is its end.
 */
export function bufferTransfer(source: number, sink: number): Transfer {
  let held: Buffer | undefined;
  return () => {
    const bytes = held ?? read(source);
    held = undefined;
    if (typeof bytes === 'string') {
      return bytes;
    }
    const written = writeNow(sink, bytes) ?? 0;
    if (written < bytes.length) {
      held = Buffer.from(bytes.subarray(written));
    }
    return written === 0 ? 'sink' : written;
  };
}

function read(source: number): Buffer | 'end' | 'source' {
  try {
    const byteLength = readNow(source, buffer);
    if (byteLength === undefined) {
      return 'source';
    }
    return byteLength === 0 ? 'end' : buffer.subarray(0, byteLength);
  } catch (error) {
    if (error instanceof SystemError && error.errno === constants.errno.EIO) {
      return 'end';
    }
    throw error;
  }
}

/** Takes what a source has and throws it away, so that whoever writes to it goes on. */
export function discard(source: number): Moved {
  const bytes = read(source);
  return typeof bytes === 'string' ? bytes : bytes.length;
}
