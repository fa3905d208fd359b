import { setNonblocking } from './descriptor.ts';
import { checked } from './error.ts';
import { libc } from './libc.ts';

const O_CLOEXEC = 0o2000000;

const pipe2: (descriptors: number[], flags: number) => number = libc.func(
  'int pipe2(_Out_ int *descriptors, int flags)',
);

/** The two ends of a pipe(7), as descriptors. */
export type Pipe = { read: number; write: number };

/** Makes a pipe that no child inherits by accident; the ends named are non-blocking, the others block. */
export function createPipe(nonblocking: { read?: boolean; write?: boolean } = {}): Pipe {
  const ends = [-1, -1] as [number, number];
  checked('pipe2', pipe2(ends, O_CLOEXEC));
  const [read, write] = ends;
  if (nonblocking.read) {
    setNonblocking(read);
  }
  if (nonblocking.write) {
    setNonblocking(write);
  }
  return { read, write };
}
