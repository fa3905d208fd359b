import { checked } from './error.ts';
import { libc } from './libc.ts';

const mkfifo: (path: string, mode: number) => number = libc.func('int mkfifo(const char *path, uint mode)');

/** Makes a FIFO (mkfifo(3)), which must not be there yet; `mode` is cut by the umask. */
export function makeFifo(path: string, mode: number): void {
  checked('mkfifo', mkfifo(path, mode), path);
}
