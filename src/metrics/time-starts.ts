import type { Effects } from '../actors/system.ts';
import { INIT } from '../machines/messages.ts';
import type { Timer } from './timer.ts';

/**
 * Times the starts of containers, as the original did: from when one has its turn, what it waited in the queue not
 * included, until its init runs; a restore is a start. What failed is not timed, nor what a former daemon began.
 */
export const timeStarts =
  (launch: Effects['launch'], timer: Timer): Effects['launch'] =>
  async (input) => {
    if (input.process !== INIT || input.launch.kind === 'adopt') return launch(input);
    const start = process.hrtime.bigint();
    const launched = await launch(input);
    timer.add(Number(process.hrtime.bigint() - start));
    return launched;
  };
