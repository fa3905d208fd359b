import { constants } from 'node:os';
import koffi from 'koffi';
import { SystemError } from './error.ts';
import { libc } from './libc.ts';

const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
const FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

type Arguments = [source: number, a: null, target: number, b: null, byteLength: number, flags: number];
type Call = {
  (...args: Arguments): number;
  async(...args: [...Arguments, (error: Error | null, result: number) => void]): void;
};

const spliceCall: Call = libc.func(
  'intptr_t splice(int source, void *a, int target, void *b, size_t byteLength, uint flags)',
);

function moved(result: number): number | undefined {
  if (result >= 0) {
    return result;
  }
  const errno = koffi.errno();
  if (errno === constants.errno.EAGAIN) {
    return undefined;
  }
  throw new SystemError('splice', errno);
}

/**
 * Moves at most `byteLength` bytes between two descriptors, one of them a pipe, inside the kernel (splice(2)).
 * Returns how many, 0 at the end of the source, undefined where either side would wait.
 */
export function splice(source: number, target: number, byteLength: number): number | undefined {
  return moved(spliceCall(source, null, target, null, byteLength, FLAGS));
}

/** The same on a thread of libuv's pool, for a file whose disk may take its time. */
export function spliceAside(source: number, target: number, byteLength: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    spliceCall.async(source, null, target, null, byteLength, FLAGS, (error, result) => {
      // koffi restores the thread's errno for the length of this callback.
      try {
        resolve(error === null ? moved(result) : Promise.reject(error));
      } catch (failure) {
        reject(failure);
      }
    });
  });
}
