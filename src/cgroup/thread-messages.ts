import { BinaryReader, type BinaryWriter } from '@bufbuild/protobuf/wire';
import type { Subject } from './sampler.ts';

/** What the daemon and the thread that reads the kernel's files say to each other. Keys are the daemon's. */

/** How many files the thread may keep open. */
export type ThreadData = { maxOpenFiles: number };

export type ToThread =
  | { type: 'watch'; key: number; subject: Subject }
  | { type: 'forget'; key: number }
  | { type: 'sample'; keys: number[] };

/**
 * `Stats` of api.proto, encoded; undefined where there is nothing left to read, or, as `trouble` says then, nothing to
 * read it with. Each key asked for is answered once.
 */
export type Sampled = {
  key: number;
  stats: Uint8Array | undefined;
  trouble: NodeJS.ErrnoException | undefined;
};

/**
 * Answers are handed over as bytes, one after the other: to the runtime each object that goes from thread to thread costs
 * as much as a kernel's file. `write` writes the sample, or nothing where there is none; what it throws is the trouble.
 */
export function writeSampled(writer: BinaryWriter, key: number, write: (writer: BinaryWriter) => void): void {
  let [trouble, code] = ['', ''];
  writer.uint32(key).fork();
  try {
    write(writer);
  } catch (error) {
    trouble = error instanceof Error ? error.message : String(error);
    code = (error as NodeJS.ErrnoException).code ?? '';
  }
  writer.join().string(trouble).string(code);
}

/** The answers, whose samples are views of the bytes. */
export function readSampled(bytes: Uint8Array): Sampled[] {
  const reader = new BinaryReader(bytes);
  const sampled: Sampled[] = [];
  while (reader.pos < reader.len) {
    const key = reader.uint32();
    const stats = reader.bytes();
    const [trouble, code] = [reader.string(), reader.string()];
    sampled.push({
      key,
      stats: stats.length === 0 ? undefined : stats,
      trouble: trouble === '' ? undefined : Object.assign(new Error(trouble), { code }),
    });
  }
  return sampled;
}
