import { closeSync, constants, openSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { errnoText } from '../../linux/error.ts';
import { createPipe, type Pipe } from '../../linux/pipe.ts';
import { ShimError } from '../error.ts';
import type { Copy } from './copy.ts';
import { endOfOutput } from './output.ts';
import { type ClientSides, closeSides, openClientSides } from './sides.ts';
import { pipeSink, type Sink } from './sink.ts';
import type { OnStreamError, ProcessStdio, StdioPaths, StreamName } from './stdio.ts';
import { type Source, startStream } from './stream.ts';

const { ENOTTY } = osConstants.errno;

/** What goes from one descriptor of ours to another, once the process runs. */
type Stream = { name: StreamName; source: Source; sink: Sink };

/** The process's ends, our streams, and which of them has what the runtime writes to stderr. */
type Connected = {
  childEnds: readonly [number, number, number];
  streams: readonly Stream[];
  errors: Source | undefined;
};

/**
 * Opens the stdio of a process without a terminal: a pipe for each path, /dev/null where there is none. The process never
 * gets the client's path itself, as runc restores pipes and /dev/null only.
 * Rejects with a `ShimError` (`stdio`) if a path cannot be opened.
 */
export async function openPipes(paths: StdioPaths, onError: OnStreamError): Promise<ProcessStdio> {
  const sides = await openClientSides(paths);
  const opened: number[] = [];
  try {
    return createPipedStdio(connect(sides, opened), onError);
  } catch (error) {
    opened.forEach(closeSync);
    closeSides(sides);
    throw error;
  }
}

/** Makes the pipes; `opened` gets every descriptor as soon as it is there. */
function connect({ stdin, stdout, stderr }: ClientSides, opened: number[]): Connected {
  const streams: Stream[] = [];
  const nothing = (): number => {
    const fd = openSync('/dev/null', constants.O_RDWR);
    opened.push(fd);
    return fd;
  };
  const pipe = (ours: keyof Pipe): Pipe => {
    const ends = createPipe({ [ours]: true });
    opened.push(ends.read, ends.write);
    return ends;
  };
  const input = (source: Source): number => {
    const { read, write } = pipe('write');
    streams.push({ name: 'stdin', source, sink: pipeSink(write) });
    return read;
  };
  const output = (name: StreamName, sink: Sink): { source: Source; end: number } => {
    const { read, write } = pipe('read');
    const source = pipeSource(read);
    streams.push({ name, source, sink });
    return { source, end: write };
  };
  const out = stdout && output('stdout', stdout);
  // One pipe for one file, or nobody could tell in which order the two were written.
  const err = stderr === stdout ? out : stderr && output('stderr', stderr);
  const childEnds = [
    stdin === undefined ? nothing() : input(stdin),
    out?.end ?? nothing(),
    err?.end ?? nothing(),
  ] as const;
  return { childEnds, streams, errors: err?.source };
}

const pipeSource = (fd: number): Source => ({ fd, kind: 'fifo', close: () => closeSync(fd) });

function createPipedStdio({ childEnds, streams, errors }: Connected, onError: OnStreamError): ProcessStdio {
  const copies = new Map<StreamName, Copy>();
  let handedOver = false;
  const handOver = (): void => {
    if (!handedOver) {
      handedOver = true;
      new Set(childEnds).forEach((fd) => {
        closeSync(fd);
      });
    }
  };

  return {
    childEnds,
    handedOver: handOver,
    runtimeOutput: () => (errors === undefined ? '' : endOfOutput(errors.fd)),
    prepare() {},
    begin(onEnd) {
      let open = streams.length;
      if (open === 0) {
        onEnd();
      }
      for (const { name, source, sink } of streams) {
        const copy = startStream({
          source,
          sink,
          afterError: name === 'stdin' ? 'end' : 'drop',
          onError: (error) => onError(name, error),
          onEnd() {
            copies.delete(name);
            open -= 1;
            if (open === 0) {
              onEnd();
            }
          },
        });
        copies.set(name, copy);
      }
    },
    async delivered() {
      const outputs = [copies.get('stdout'), copies.get('stderr')];
      // A child of the process may have its stdin still.
      copies.get('stdin')?.stopUnread();
      streams.forEach(({ sink }) => {
        sink.processEnded();
      });
      await Promise.all(outputs.map((copy) => copy?.delivered()));
    },
    closeStdin: () => copies.get('stdin')?.finish(),
    resize() {
      throw new ShimError('kernel', `the process has no terminal: ${errnoText(ENOTTY)}`, { errno: ENOTTY });
    },
    abandon() {
      handOver();
      streams.forEach(({ source, sink }) => {
        source.close();
        sink.close();
      });
    },
  };
}
