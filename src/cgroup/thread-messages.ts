import type { Subject } from './sampler.ts';

/** What the daemon and the thread that reads the kernel's files say to each other. Keys are the daemon's. */

/** How many files the thread may keep open. */
export type ThreadData = { maxOpenFiles: number };

export type ToThread =
  | { type: 'watch'; key: number; subject: Subject }
  | { type: 'forget'; key: number }
  | { type: 'sample'; keys: number[] };

/** `Stats` of api.proto, encoded; undefined where there is nothing left to read. Each key asked for is answered once. */
export type Sampled = { key: number; stats: Uint8Array<ArrayBuffer> | undefined };
