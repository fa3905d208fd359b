import { pendingBytes } from '../../linux/descriptor.ts';
import type { Transfer } from '../../shim/stdio/transfer.ts';
import { type End, startStream, transferBetween } from './stream.ts';

/**
 * Output may be held open by a process that outlives the one that we are attached to. What that one wrote is there when
 * we are told of its exit, or comes as fast as we read; once nothing has come for so long, nothing is left of it.
 */
const QUIET_MS = 200;
const LOOK_EVERY_MS = 20;
/** More than all pipes between the process and us hold. What comes beyond that is somebody else's. */
const MAX_LEFT_BYTES = 4 * 2 ** 20;

/** One stream of what a process prints. */
export type Output = {
  /** Resolves at its end; rejects where it cannot be written. */
  ended: Promise<void>;
  /** The process has exited: ends the stream once all that it wrote has been copied. */
  finish(): void;
  /** Ends it now. */
  stop(): void;
};

/** Copies what a process prints, and closes both ends. */
export function copyOutput(source: End, sink: End): Output {
  const transfer = counted(transferBetween(source, sink));
  let hasEnded = false;
  let timer: NodeJS.Timeout | undefined;
  let onEnd = (): void => {};
  let onError = (_: unknown): void => {};
  const ended = new Promise<void>((resolve, reject) => {
    onEnd = resolve;
    onError = reject;
  });
  const copy = startStream({
    source,
    sink,
    transfer,
    onError,
    onEnd() {
      hasEnded = true;
      clearInterval(timer);
      onEnd();
    },
  });

  function lookUntilQuiet(): void {
    const before = transfer.copied();
    let last = before;
    let quietSince = Date.now();
    timer = setInterval(() => {
      const copied = transfer.copied();
      if (copied !== last || pendingBytes(source.fd) > 0) {
        last = copied;
        quietSince = Date.now();
      }
      if (copied - before > MAX_LEFT_BYTES) copy.stop();
      else if (Date.now() - quietSince >= QUIET_MS) copy.finish();
    }, LOOK_EVERY_MS);
  }
  return {
    ended,
    finish() {
      if (!hasEnded && timer === undefined) lookUntilQuiet();
    },
    stop: () => copy.stop(),
  };
}

/** A transfer that knows how many bytes it has moved. */
function counted(transfer: Transfer): Transfer & { copied(): number } {
  let copied = 0;
  return {
    drop: transfer.drop,
    move() {
      const moved = transfer.move();
      if (typeof moved === 'number') copied += moved;
      return moved;
    },
    copied: () => copied,
  };
}
