import type { WindowSize } from '../../linux/terminal.ts';

/** The stdio of one process, from before its start to the last byte. */
export type ProcessStdio = {
  /** What becomes descriptors 0, 1 and 2 of the runtime, and through it of the process. */
  readonly childEnds: readonly [number, number, number];
  /** The runtime has been started: closes our copies of its ends. */
  handedOver(): void;
  /**
   * The end of what the runtime has written to stderr, at most 4 KiB. Only before `begin`: until then nothing is
   * copied, so that the words of a runtime that fails do not reach the client as if they were the process's.
   */
  runtimeOutput(): string;
  /** The process is there and waits: what it will find at its first look is made ready. */
  prepare(): void;
  /**
   * The process runs: starts to copy; `onEnd` is called once, when all that could be copied has been. Does not throw: what
   * cannot be copied is told as lost, and `abandon` is out of place from now on.
   */
  begin(onEnd: () => void): void;
  /** The process has ended: resolves once what it had written by now has been passed on. */
  delivered(): Promise<void>;
  /** The process's stdin ends once what the client has sent so far has been passed on. */
  closeStdin(): void;
  /** Sets the size of the process's terminal; throws a `ShimError` where it has none. */
  resize(size: WindowSize): void;
  /** There will be no process: closes everything. */
  abandon(): void;
};

/** Paths of the client, each possibly empty, and what goes wrong with them later. */
export type StdioPaths = Record<StreamName, string> & {
  /** Files are written from their end, where a restored process goes on; otherwise from their start. */
  append: boolean;
};
export type StreamName = 'stdin' | 'stdout' | 'stderr';
export type OnStreamError = (stream: StreamName, error: unknown) => void;
