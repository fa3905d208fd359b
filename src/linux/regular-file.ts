import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * Reads a file that may be in others' hands: a FIFO or a device in its place would hold a thread or never end, a huge
 * one take all memory. Throws the system's own error, and an Error where it is no regular file or larger than `maxBytes`.
 */
export async function readRegularFile(file: string, maxBytes: number): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw new Error('is not a regular file');
    if (info.size > maxBytes) throw new Error(`has ${info.size} bytes, more than ${maxBytes}`);
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(info.size), position: 0 });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
