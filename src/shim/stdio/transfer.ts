import { constants } from 'node:os';
import { pendingBytes, readNow, setPipeCapacity, writeNow } from '../../linux/descriptor.ts';
import { SystemError } from '../../linux/error.ts';
import { splice, spliceAside } from '../../linux/splice.ts';
import { diskGate } from './disk-gates.ts';

/**
 * What an attempt to move bytes came to: how many were moved, the end of the source, or the side that has to become
 * ready before another attempt is worth it.
 */
export type Moved = number | 'end' | 'source' | 'sink';

/** Moves bytes from one descriptor to another, some at a time. Both methods throw what the kernel refuses. */
export type Transfer = {
  move(): Moved | Promise<Moved>;
  /** Throws away what could not be written, so that whoever writes goes on. */
  drop(): Moved;
};

/** What a pipe holds unless it is made larger (pipe(7)), and the most that it may be made to hold by default. */
const PIPE_BYTES = 64 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/** Bytes on their way: nothing stays here from one attempt to the next. */
const buffer = Buffer.allocUnsafeSlow(PIPE_BYTES);

/** Between two pipes or FIFOs: the kernel hands pages over, nothing is held here. */
export function spliceTransfer(source: number, sink: number): Transfer {
  return {
    move() {
      const moved = splice(source, sink, CHUNK_BYTES);
      if (moved === undefined) {
        return pendingBytes(source) > 0 ? 'sink' : 'source';
      }
      return moved === 0 ? 'end' : moved;
    },
    drop: () => discard(source),
  };
}

/**
 * Between a pipe, which is the side named, and a file: on another thread, when the gate of disks lets it. The way there and back
 * costs more than the bytes do, so a pipe that was found full is made larger: as fast as `cat` then, half of that before.
 */
export function fileTransfer(source: number, sink: number, pipe: 'source' | 'sink'): Transfer {
  let grown = false;
  return {
    async move() {
      const moved = await diskGate(() => spliceAside(source, sink, CHUNK_BYTES));
      if (moved !== undefined && moved >= PIPE_BYTES && !grown) {
        grown = true;
        setPipeCapacity(pipe === 'source' ? source : sink, CHUNK_BYTES);
      }
      return moved === 0 ? 'end' : (moved ?? pipe);
    },
    drop: () => discard(source),
  };
}

/**
 * Where splice(2) cannot: terminals and other devices. Holds back what the sink does not take, at most one buffer.
 */
export function bufferTransfer(source: number, sink: number): Transfer {
  let held: Buffer | undefined;
  return {
    move() {
      const bytes = held ?? read(source);
      if (typeof bytes === 'string') {
        return bytes;
      }
      held = bytes;
      const written = writeNow(sink, bytes) ?? 0;
      // The buffer is everybody's: what stays has to leave it.
      held = written < bytes.length ? Buffer.from(bytes.subarray(written)) : undefined;
      return written === 0 ? 'sink' : written;
    },
    drop() {
      const byteLength = held?.length ?? 0;
      held = undefined;
      return byteLength;
    },
  };
}

/** A terminal whose other end has been closed answers EIO, which is its end. */
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

function discard(source: number): Moved {
  const bytes = read(source);
  return typeof bytes === 'string' ? bytes : bytes.length;
}
