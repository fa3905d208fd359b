import { crashPoint } from '../crash-point.ts';
import type { ShimLink } from './shim-link.ts';

/** A host that is short of descriptors has some again before long, or is of no use anyway. */
const ATTEMPTS = 10;
const RETRY_MS = 1_000;

/**
 * Gives what resolves once no runc is at work that had another shim than the one there is now. However many ask, `look`
 * goes through all processes once for each shim: what it has lost itself is not lost before there is the next.
 */
export function createSettleLost(
  shim: () => Pick<ShimLink, 'ready'>,
  look: (shimPid: number) => Promise<void>,
): () => Promise<void> {
  let looked: { shimPid: number; done: Promise<void> } | undefined;
  return async () => {
    const shimPid = await shim().ready();
    // 0 while there is none: that says of no loss which it was.
    if (shimPid === 0 || looked?.shimPid !== shimPid)
      looked = { shimPid, done: tryAgain(() => look(shimPid)) };
    try {
      await looked.done;
    } catch (error) {
      looked = undefined;
      throw error;
    }
    crashPoint('shim-link.runcs-ended');
  };
}

async function tryAgain(look: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await look();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
