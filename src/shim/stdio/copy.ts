import { type FdWatch, type Interest, type Readiness, watchFd } from '../../linux/watch.ts';
import type { Moved, Transfer } from './transfer.ts';

/** One side of a copy; a side that cannot be waited for (a file, a device) is taken to be ready. */
export type Side = { fd: number; waitable: boolean };

/** How long a device is left alone that was not ready, though nobody can wait for it. */
const ASK_AGAIN_MS = 50;

export type CopyOptions = {
  source: Side;
  sink: Side;
  transfer: Transfer;
  /** Called for the first error of the sink, and again for the first after it has worked meanwhile. */
  onError: (error: unknown) => void;
  /** Whether to go on after an error, throwing away what the sink does not take, or to end. */
  afterError: 'drop' | 'end';
  /** Called once, when nothing more is to be copied and neither descriptor is in use any more. */
  onEnd: () => void;
};

/** A stream of bytes between two descriptors that goes on by itself. */
export type Copy = {
  /** Resolves once the source has been found empty after this call and all of it been written, or the copy has ended. */
  delivered(): Promise<void>;
  /** Ends the copy once the source is empty, whether or not more could come. */
  finish(): void;
  /** Ends the copy as soon as no attempt is under way. */
  stop(): void;
  /** Stops it once nobody has the other end of its sink open, which is a pipe. */
  stopUnread(): void;
};

/** Starts to copy. Memory is what the transfer holds; a sink that takes nothing stops the reading. */
export function startCopy({ source, sink, transfer, onError, afterError, onEnd }: CopyOptions): Copy {
  const watches = new Map<Side, FdWatch>();
  let awaited: Side | undefined;
  let ended = false;
  let moving = false;
  let finishing = false;
  let stopping = false;
  let needsReader = false;
  let failing = false;
  /** Who waits in `delivered`; the present attempt speaks for the first `asked` of them. */
  const waiters: (() => void)[] = [];
  let asked = 0;

  const watch = (side: Side, interest: Interest): void => {
    const fdWatch = watches.get(side);
    if (fdWatch === undefined) {
      watches.set(
        side,
        watchFd(side.fd, interest, (readiness) => onReady(side, readiness)),
      );
    } else {
      fdWatch.expect(interest);
    }
  };

  const waitFor = (side: Side | undefined, isBusy = false): void => {
    if (awaited !== undefined && awaited !== side) {
      watch(awaited, awaited === sink && needsReader ? { disconnect: true } : {});
    }
    const already = awaited === side;
    awaited = side?.waitable ? side : undefined;
    if (side === undefined || (already && side.waitable)) {
      return;
    }
    if (!side.waitable) {
      if (isBusy) {
        setTimeout(step, ASK_AGAIN_MS);
      } else {
        setImmediate(step);
      }
      return;
    }
    watch(side, side === source ? { readable: true } : { writable: true });
  };

  const onReady = (side: Side, { failed }: Readiness): void => {
    if (failed) {
      // libuv has ended the wait.
      awaited = undefined;
    }
    if (failed && side === sink && needsReader) {
      stop();
    } else {
      step();
    }
  };

  const end = (): void => {
    ended = true;
    for (const watch of watches.values()) {
      watch.close();
    }
    tellDelivered(waiters.length);
    onEnd();
  };

  const stop = (): void => {
    stopping = true;
    if (!ended && !moving) {
      end();
    }
  };

  const tellDelivered = (count: number): void => {
    waiters.splice(0, count).forEach((resolve) => {
      resolve();
    });
  };

  const settle = (moved: Moved): void => {
    moving = false;
    if (stopping || moved === 'end' || (moved === 'source' && finishing)) {
      end();
      return;
    }
    if (moved === 'source') {
      tellDelivered(asked);
    }
    waitFor(moved === 'sink' ? sink : source, typeof moved !== 'number');
    if (source.waitable && moved !== 'sink' && (finishing || waiters.length > 0)) {
      // An empty source would not wake us.
      setImmediate(step);
    }
  };

  const succeed = (moved: Moved): void => {
    failing &&= typeof moved !== 'number';
    settle(moved);
  };

  const fail = (error: unknown): void => {
    if (!failing) {
      failing = true;
      onError(error);
    }
    settle(afterError === 'end' ? 'end' : transfer.drop());
  };

  function step(): void {
    if (ended || moving) {
      return;
    }
    moving = true;
    asked = waiters.length;
    let moved: Moved | Promise<Moved>;
    try {
      moved = transfer.move();
    } catch (error) {
      fail(error);
      return;
    }
    if (moved instanceof Promise) {
      waitFor(undefined);
      moved.then(succeed, fail);
    } else {
      succeed(moved);
    }
  }

  waitFor(source);
  return {
    delivered() {
      if (ended) {
        return Promise.resolve();
      }
      const delivery = new Promise<void>((resolve) => {
        waiters.push(resolve);
      });
      step();
      return delivery;
    },
    finish() {
      finishing = true;
      step();
    },
    stop,
    stopUnread() {
      needsReader = true;
      if (!ended && awaited !== sink) {
        watch(sink, { disconnect: true });
      }
    },
  };
}
