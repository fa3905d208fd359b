import { parentPort } from 'node:worker_threads';
import { doErrand } from './errands/errand.ts';
import type { Answered, Asked } from './errands/errands.ts';

/** The thread that goes to the disk for the daemon's own. */

parentPort?.on('message', ({ number, errand }: Asked) => {
  parentPort?.postMessage({ number, ...outcome(() => doErrand(errand)) } satisfies Answered);
});

function outcome(work: () => boolean): Pick<Answered, 'done' | 'error'> {
  try {
    return { done: work() };
  } catch (thrown) {
    const { message, code, path } = thrown as NodeJS.ErrnoException;
    return { error: { message, code, path } };
  }
}
