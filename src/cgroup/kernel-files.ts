import { closeSync, openSync, readSync } from 'node:fs';
import { isShortage } from '../errors.ts';

/** One of the kernel's files, read again and again. */
export type KernelFile = {
  /** What it holds now; undefined where there is no such file, or no longer. Throws where the host has nothing to read it with. */
  read(): string | undefined;
  /** Whether it was found to be there no longer, or never; it is not looked for again then. */
  isGone(): boolean;
  close(): void;
};

/** Opens the kernel's files, each when it is first read. */
export type KernelFiles = {
  /** `isRight` is asked after each opening: false where the path has come to mean another file. */
  open(path: string, isRight?: () => boolean): KernelFile;
};

/** Files that were there and are not: ENODEV is what an open control file of a removed cgroup answers. */
const GONE = new Set(['ENOENT', 'ENODEV', 'ENOTDIR', 'ESRCH']);

/** Whether a file could not be opened or read because there is none, or no longer. */
export const isGone = (error: unknown): boolean => GONE.has((error as NodeJS.ErrnoException).code ?? '');

/**
 * The kernel hands out as many whole lines as fit into a page or, if one is longer, that one (fs/seq_file.c). What is
 * shorter than this is the end of the file, as no line of such a file is half a page long: it saves a read(2).
 */
const SURELY_LAST_BYTES = 2048;
const BUFFER_BYTES = 65_536;

const always = (): boolean => true;

/**
 * Keeps files open as long as there are no more than `maxOpen` of them, and opens each anew for every read beyond:
 * that takes four times as long. A file kept open costs the kernel a page and the descriptor. Reads synchronously: it is
 * not for the thread of the daemon's loop, since memory.stat makes the kernel add up what every processor has counted.
 */
export function createKernelFiles(maxOpen: number): KernelFiles {
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  let open = 0;

  function readAll(fd: number): string {
    let text = '';
    for (let offset = 0; ; ) {
      const byteLength = readSync(fd, buffer, 0, BUFFER_BYTES, offset);
      text += buffer.toString('latin1', 0, byteLength);
      offset += byteLength;
      if (byteLength < SURELY_LAST_BYTES) return text;
    }
  }

  return {
    open(path, isRight = always) {
      let kept: number | undefined;
      let gone = false;
      const close = () => {
        if (kept === undefined) return;
        closeSync(kept);
        kept = undefined;
        open--;
      };
      const openAndRead = (): string | undefined => {
        kept = openSync(path, 'r');
        open++;
        gone = !isRight();
        const text = gone ? undefined : readAll(kept);
        if (gone || open > maxOpen) close();
        return text;
      };
      return {
        read() {
          if (gone) return undefined;
          try {
            return kept === undefined ? openAndRead() : readAll(kept);
          } catch (error) {
            close();
            if (isShortage(error)) throw error;
            gone = isGone(error);
            return undefined;
          }
        },
        isGone: () => gone,
        close,
      };
    },
  };
}
