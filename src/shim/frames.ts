import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { Frame } from '../generated/shim.ts';

/** What a frame says, without the id. */
export type Body = NonNullable<Frame['body']>;

/** The highest version of proto/shim.proto that this code speaks. */
export const VERSION = 3;

/** Ample for a `Welcome` with 100,000 processes; whoever announces more is not a peer of ours. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** A varint of a length within bounds takes no more than this. */
const MAX_PREFIX_BYTES = 4;

/** The greatest that a frame has room for (uint32). */
const MAX_ID = 0xffff_ffff;

/** The id for another request, those `taken` being answered yet; 0 is that of what is said unasked. */
export function nextId(last: number, taken: { has(id: number): boolean }): number {
  let id = last;
  do {
    id = id === MAX_ID ? 1 : id + 1;
  } while (taken.has(id));
  return id;
}

/** The frame as it goes over the connection: its length as a varint, then itself. */
export function encodeFrame(id: number, body: Body): Uint8Array {
  return Frame.encode({ id, body }, new BinaryWriter().fork()).join().finish();
}

/** Cuts what arrives on a connection, in whatever pieces, into frames. */
export class FrameDecoder {
  #pieces: Uint8Array[] = [];
  #byteLength = 0;
  /** How many bytes must have arrived before another look is worth it. */
  #wanted = 1;

  /** The frames that `chunk` completes. Throws on a frame that is too long or no frame at all. */
  push(chunk: Uint8Array): Frame[] {
    this.#pieces.push(chunk);
    this.#byteLength += chunk.length;
    if (this.#byteLength < this.#wanted) {
      return [];
    }
    const bytes = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces, this.#byteLength);
    const frames: Frame[] = [];
    let offset = 0;
    this.#wanted = 1;
    while (offset < bytes.length) {
      const rest = bytes.subarray(offset);
      const prefixBytes = rest.findIndex((byte) => byte < 0x80) + 1;
      if (prefixBytes > MAX_PREFIX_BYTES || (prefixBytes === 0 && rest.length >= MAX_PREFIX_BYTES)) {
        throw new RangeError('the length of a frame is no length');
      }
      const frameBytes = prefixBytes === 0 ? 0 : new BinaryReader(rest.subarray(0, prefixBytes)).uint32();
      if (frameBytes > MAX_FRAME_BYTES) {
        throw new RangeError(`a frame of ${frameBytes} bytes is longer than ${MAX_FRAME_BYTES}`);
      }
      const end = prefixBytes + frameBytes;
      if (prefixBytes === 0 || rest.length < end) {
        this.#wanted = prefixBytes === 0 ? rest.length + 1 : end;
        break;
      }
      frames.push(Frame.decode(rest.subarray(prefixBytes, end)));
      offset += end;
    }
    this.#pieces = offset < bytes.length ? [bytes.subarray(offset)] : [];
    this.#byteLength = bytes.length - offset;
    return frames;
  }
}
