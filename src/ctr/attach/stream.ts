import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { duplicate } from '../../linux/descriptor.ts';
import { type Copy, startCopy } from '../../shim/stdio/copy.ts';
import { bufferTransfer, spliceTransfer, type Transfer } from '../../shim/stdio/transfer.ts';

/** What bytes are copied from or to. A descriptor of a `file` is always ready, and of no use to poll(2). */
export type End = { fd: number; kind: 'pipe' | 'terminal' | 'file' };

const WITHOUT_WAITING = constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * What this program reads (0) or writes to (1, 2), as a descriptor of its own. The standard ones are shared with whoever
 * started us, whose reads and writes would fail if we made a terminal or pipe non-blocking: so these are opened once
 * more. A socket cannot be.
 */
export function openStandard(standard: 0 | 1 | 2): End {
  const stats = fstatSync(standard);
  const mode = standard === 0 ? constants.O_RDONLY : constants.O_WRONLY;
  if (stats.isSocket()) return { fd: duplicate(standard), kind: 'pipe' };
  if (stats.isFIFO()) return { fd: openAgain(standard, mode), kind: 'pipe' };
  if (isatty(standard)) return { fd: openAgain(standard, mode), kind: 'terminal' };
  return { fd: duplicate(standard), kind: 'file' };
}

/** Where that is forbidden (another user's terminal) or late (a pipe without a reader), the shared one has to do. */
function openAgain(standard: number, mode: number): number {
  try {
    return openSync(`/proc/self/fd/${standard}`, mode | WITHOUT_WAITING);
  } catch {
    return duplicate(standard);
  }
}

/** The way to copy between two ends; files may be open for appending, which splice(2) refuses. */
export const transferBetween = (source: End, sink: End): Transfer =>
  source.kind === 'pipe' && sink.kind === 'pipe'
    ? spliceTransfer(source.fd, sink.fd)
    : bufferTransfer(source.fd, sink.fd);

export type StreamOptions = {
  source: End;
  sink: End;
  transfer?: Transfer;
  onError: (error: unknown) => void;
  onEnd: () => void;
};

/** Copies until the source ends or the sink fails, and closes both. */
export function startStream({ source, sink, transfer, onError, onEnd }: StreamOptions): Copy {
  return startCopy({
    source: sideOf(source),
    sink: sideOf(sink),
    transfer: transfer ?? transferBetween(source, sink),
    afterError: 'end',
    onError,
    onEnd() {
      closeSync(source.fd);
      closeSync(sink.fd);
      onEnd();
    },
  });
}

/** Copies what we read until its end, or until nobody wants it: a process that reads no more has all that it wants. */
export function startInput(source: End, sink: End, transfer = transferBetween(source, sink)): Copy {
  const copy = startStream({ source, sink, transfer, onError: () => {}, onEnd: () => {} });
  // The end of a FIFO whose last writer left before it was opened again is there to be read, but poll(2) never tells.
  if (source.kind === 'pipe') void copy.delivered();
  return copy;
}

const sideOf = ({ fd, kind }: End) => ({ fd, waitable: kind !== 'file' });
