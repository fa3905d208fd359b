import { Worker } from 'node:worker_threads';
import { doErrand, type Errand } from './errand.ts';

/**
 * Has things done on the disk, in the order in which they are asked for. Resolves with what `doErrand` gives, and rejects with
 * its errors.
 */
export type Errands = { (errand: Errand): Promise<boolean>; close(): void };

/** What the thread is asked and answers; an error as plain data, which does not lose its code on the way. */
export type Asked = { number: number; errand: Errand };
export type Answered = { number: number; done?: boolean; error?: PlainError };
export type PlainError = { message: string; code: string | undefined; path: string | undefined };

type Waiting = { errand: Errand; resolve: (done: boolean) => void; reject: (error: Error) => void };

/** A heap of V8's usual size would be more than the daemon has for a thousand containers. */
const HEAP = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64 };

/**
 * Errands done by a thread of their own, of the program given, which is src/containerd-errands.ts as the build bundles it.
 * One errand is one trip to another thread and back, however many calls of the kernel it takes: by libuv's threads, each call
 * is such a trip. A thread that fails is not replaced: its errands are done here, if that takes longer.
 */
export function startErrands(program: URL): Errands {
  const waiting = new Map<number, Waiting>();
  let number = 0;
  let worker: Worker | undefined = new Worker(program, { resourceLimits: HEAP });
  const failed = () => {
    worker = undefined;
    for (const { errand, resolve, reject } of waiting.values()) void here(errand).then(resolve, reject);
    waiting.clear();
  };
  worker.on('message', ({ number, done = false, error }: Answered) => {
    const asked = waiting.get(number);
    waiting.delete(number);
    if (error === undefined) asked?.resolve(done);
    else asked?.reject(Object.assign(new Error(error.message), error));
  });
  worker.on('error', failed);
  worker.on('exit', failed);
  // The daemon ends though it waits for errands.
  worker.unref();

  const ask = (errand: Errand): Promise<boolean> => {
    if (worker === undefined) return here(errand);
    return new Promise((resolve, reject) => {
      number += 1;
      waiting.set(number, { errand, resolve, reject });
      worker?.postMessage({ number, errand } satisfies Asked);
    });
  };
  return Object.assign(ask, { close: () => void worker?.terminate() });
}

/** Errands done in this thread. */
export const here: Errands = Object.assign(async (errand: Errand) => doErrand(errand), { close: () => {} });
