import type { Errands } from '../errands/errands.ts';

/** How long what can be removed may stay. */
const DELAY_MS = 100;

/** The removal of files that no start needs any more. */
export type StartNotes = {
  /** Resolves once the file is gone, before long; rejects with what is in the way of it, or of those that go with it. */
  remove(file: string): Promise<void>;
  /** Removes at once what is asked for until a promise is settled, and what waits; gives what the promise does. */
  hurry<T>(until: Promise<T>): Promise<T>;
};

/** Many starts by one errand, as the trip to the other thread is most of what it costs. */
export function createStartNotes(errands: Errands): StartNotes {
  let waiting: { files: string[]; removed: Promise<void>; go: () => void } | undefined;
  let hurrying = 0;

  function gather(): NonNullable<typeof waiting> {
    const files: string[] = [];
    let go = () => {};
    const removed = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => go(), DELAY_MS);
      go = () => {
        clearTimeout(timer);
        waiting = undefined;
        errands({ what: 'remove', files }).then(() => resolve(), reject);
      };
    });
    return { files, removed, go };
  }

  return {
    remove(file) {
      waiting ??= gather();
      const { files, removed, go } = waiting;
      files.push(file);
      if (hurrying > 0) go();
      return removed;
    },
    async hurry(until) {
      hurrying += 1;
      waiting?.go();
      try {
        return await until;
      } finally {
        hurrying -= 1;
      }
    },
  };
}
