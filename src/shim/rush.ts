import { availableParallelism } from 'node:os';
import { canChangePolicies } from '../linux/scheduling.ts';

/**
 * How many programs are at work. A runtime has several threads, which wake each other a hundred times for a start, and each
 * time one takes the processor from another runtime's: where there are many, a tenth of what a start costs. As SCHED_BATCH
 * they wait for their turn instead. One that has the machine for itself does not, as it would for whatever a container computes.
 */
export type Rush = {
  /** Another is about to begin: whether there are so many that it should wait for its turns. */
  begin(): boolean;
  end(): void;
};

/** So many for each processor are many. */
const MANY = 2;

/** Where the shim cannot change policies, or has been given one by somebody, everything keeps that. */
export function createRush(processors = availableParallelism(), isAble = canChangePolicies()): Rush {
  let atWork = 0;
  return {
    begin: () => {
      atWork += 1;
      return isAble && atWork > MANY * processors;
    },
    end: () => {
      atWork -= 1;
    },
  };
}
