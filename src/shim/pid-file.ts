import { close, constants, read } from 'node:fs';
import { SystemError } from '../linux/error.ts';
import { openAside } from '../linux/open-aside.ts';
import { ShimError } from './error.ts';

/** A pid has at most seven digits (proc(5), pid_max). */
const PID_BYTES = 32;

/** The pid that a runtime has left in its `--pid-file`. Rejects with a `ShimError` (`runtime`) if there is none. */
export async function readPidFile(path: string): Promise<number> {
  const text = await contents(path).catch((error: SystemError) => {
    throw new ShimError('runtime', `the runtime has left no pid: ${error.message}`, { errno: error.errno });
  });
  if (!/^[1-9]\d*\s*$/.test(text)) {
    throw new ShimError('runtime', `the runtime has left no pid in ${path}: ${JSON.stringify(text)}`);
  }
  return Number(text);
}

async function contents(path: string): Promise<string> {
  const fd = await openAside(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  return new Promise((resolve, reject) => {
    read(fd, Buffer.alloc(PID_BYTES), 0, PID_BYTES, 0, (error, byteLength, bytes) => {
      close(fd, () => {});
      if (error === null) {
        resolve(bytes.toString('latin1', 0, byteLength));
      } else {
        reject(new SystemError('read', -(error.errno ?? 0), path));
      }
    });
  });
}
