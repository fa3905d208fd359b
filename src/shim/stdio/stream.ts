import { type Copy, startCopy } from './copy.ts';
import type { Kind } from './open.ts';
import type { Sink } from './sink.ts';
import { bufferTransfer, fileTransfer, spliceTransfer, type Transfer } from './transfer.ts';

/** Where a stream comes from. A pipe counts as a FIFO. */
export type Source = { fd: number; kind: Kind; close(): void };

export type StreamOptions = {
  source: Source;
  sink: Sink;
  /** What becomes of the stream once the sink has failed: see `CopyOptions`. */
  afterError: 'drop' | 'end';
  onError: (error: unknown) => void;
  /** Called once, when both ends have been closed. */
  onEnd: () => void;
};

/** Copies from a source to a sink, by the best way there is between the two, and closes both at the end. */
export function startStream({ source, sink, onEnd, ...options }: StreamOptions): Copy {
  return startCopy({
    ...options,
    source: { fd: source.fd, waitable: isWaitable(source.kind) },
    sink: { fd: sink.fd, waitable: isWaitable(sink.kind) },
    transfer: transferBetween(source, sink),
    onEnd() {
      source.close();
      sink.close(onEnd);
    },
  });
}

const isWaitable = (kind: Kind): boolean => kind === 'fifo' || kind === 'terminal';

function transferBetween(source: Source, sink: Sink): Transfer {
  const kinds = [source.kind, sink.kind];
  if (kinds.includes('terminal') || kinds.includes('device')) {
    return bufferTransfer(source.fd, sink.fd);
  }
  if (sink.kind === 'file') {
    return fileTransfer(source.fd, sink.fd, 'source');
  }
  if (source.kind === 'file') {
    return fileTransfer(source.fd, sink.fd, 'sink');
  }
  return spliceTransfer(source.fd, sink.fd);
}
