import { readNow } from '../../linux/descriptor.ts';

/** How much of a runtime's words is worth passing on. */
const END_BYTES = 4096;
/** What a pipe holds. */
const PIPE_BYTES = 65_536;

/** The end of what is in a pipe now. */
export function endOfOutput(pipe: number): string {
  const bytes = Buffer.alloc(PIPE_BYTES);
  const byteLength = readNow(pipe, bytes) ?? 0;
  return bytes.toString('utf8', Math.max(0, byteLength - END_BYTES), byteLength);
}
