import koffi, { type node } from 'koffi';

/** `disconnect`: all who had the other end open have closed it (POLLHUP). */
export type Interest = { readable?: boolean; writable?: boolean; disconnect?: boolean };

/** `failed`: the kernel reports an error on the descriptor (POLLERR); the next call on it will say which. */
export type Readiness = { readable: boolean; writable: boolean; failed: boolean };

export type FdWatch = {
  /** Waits for something else from now on; for nothing where both are false. */
  expect(interest: Interest): void;
  /** Ends the watch; must come before the descriptor is closed. Twice does no harm. */
  close(): void;
};

/**
 * Watches a descriptor on Node's own loop, level-triggered: `onReady` is called as long as there is something to read
 * (the end of it included) or room to write, whichever was asked for. The descriptor becomes non-blocking.
 * It must be one that poll(2) can wait for (pipe, FIFO, socket, terminal, eventfd, pidfd; not a file) and be watched
 * only once: koffi 3.3 ends the process otherwise.
 */
export function watchFd(fd: number, interest: Interest, onReady: (readiness: Readiness) => void): FdWatch {
  let handle: node.PollHandle | undefined;
  // koffi 3.3 calls back with uv_poll_cb's status before the events, which its types leave out.
  const onPoll = (...[status, events]: unknown[]): void => {
    // Naming the handle here also keeps it from being collected, which would end the watch, as long as it is open.
    if (handle !== undefined) {
      const { readable, writable } = events as node.PollEvents;
      onReady({ readable, writable, failed: Number(status) < 0 });
    }
  };
  const expect = (next: Interest): void => {
    if (next.readable || next.writable || next.disconnect) {
      handle?.start(next, onPoll);
    } else {
      handle?.stop();
    }
  };
  handle = koffi.node.poll(fd, interest, onPoll);
  return {
    expect,
    close() {
      handle?.close();
      handle = undefined;
    },
  };
}
