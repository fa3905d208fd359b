import { closeSync, constants, openSync } from 'node:fs';
import { pendingBytes } from '../../linux/descriptor.ts';
import { hasReader } from '../../linux/readers.ts';
import { closeAside, type Kind, type Opened } from './open.ts';

/** How long what has been written to a FIFO is kept for a reader that has yet to open it. */
const LINGER_MS = 10_000;
const LOOK_AGAIN_MS = 100;

/** Where a stream of a process goes. */
export type Sink = {
  readonly fd: number;
  readonly kind: Kind;
  /** The process has ended: from some time later on, a FIFO without a reader is one that nobody will read. */
  processEnded(): void;
  /** Nothing more will be written; `onClosed` is called once what has been is read, or need not be kept any more. */
  close(onClosed?: () => void): void;
};

/** A sink for what `openSink` opened; closes it, sooner or later, after `close`, and at once where it throws. */
export function createSink(opened: Opened): Sink {
  return opened.kind === 'fifo' ? createFifoSink(opened.fd) : plainSink(opened, closeAside);
}

/** A sink for the pipe that is a process's stdin. */
export function pipeSink(fd: number): Sink {
  return plainSink({ fd, kind: 'fifo' }, closeSync);
}

const plainSink = ({ fd, kind }: Pick<Opened, 'fd' | 'kind'>, close: (fd: number) => void): Sink => ({
  fd,
  kind,
  processEnded() {},
  close(onClosed) {
    close(fd);
    onClosed?.();
  },
});

/**
 * A FIFO, which we keep from failing (EPIPE) while its reader is away by being a reader ourselves, through a descriptor
 * of its own: once the process has ended, that one is closed, and the other tells when the last reader has gone.
 */
function createFifoSink(keeper: number): Sink {
  // Not a file of any disk: procfs leads to the FIFO that is open already, whatever its path leads to by now.
  let fd: number;
  try {
    fd = openSync(`/proc/self/fd/${keeper}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    closeSync(keeper);
    throw error;
  }
  let timer: NodeJS.Timeout | undefined;
  let kept = true;
  /** Until when a reader may come: of a process that has ended, whether all that it wrote had room or not. */
  let deadline: number | undefined;
  const leave = (): void => {
    clearTimeout(timer);
    if (kept) {
      kept = false;
      closeSync(keeper);
    }
  };
  const closeOnceRead = (onClosed?: () => void): void => {
    deadline ??= performance.now() + LINGER_MS;
    if (pendingBytes(fd) === 0 || hasReader(fd) || performance.now() >= deadline) {
      closeSync(fd);
      onClosed?.();
    } else {
      setTimeout(closeOnceRead, LOOK_AGAIN_MS, onClosed);
    }
  };
  return {
    fd,
    kind: 'fifo',
    processEnded() {
      if (kept) {
        deadline ??= performance.now() + LINGER_MS;
        timer ??= setTimeout(leave, LINGER_MS);
      }
    },
    close(onClosed) {
      leave();
      closeOnceRead(onClosed);
    },
  };
}
