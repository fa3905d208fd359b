import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Bundle } from './bundle.ts';

/** How many bundles are remembered, the ones that were asked for last, and how large a config.json of theirs may be. */
const MAX_BUNDLES = 64;
const MAX_CONFIG_BYTES = 64n * 1024n;

/** A file that was written this short before it was read may be written again without its times telling (4 ms of most kernels). */
const MIN_AGE_NS = 1_000_000_000n;

type Remembered = { info: BigIntStats; bundle: Bundle };

const isSame = (one: BigIntStats, other: BigIntStats): boolean =>
  one.ino === other.ino &&
  one.dev === other.dev &&
  one.size === other.size &&
  one.ctimeNs === other.ctimeNs &&
  one.mtimeNs === other.mtimeNs;

/**
 * Reads bundles with `read`, but one whose config.json is the very file that was read before only once: many containers
 * of a bundle are started by one look at it each, and share what was read. `nowNs` gives the time in unix nanoseconds.
 */
export function rememberBundles(
  read: (bundlePath: string) => Promise<Bundle>,
  nowNs = () => BigInt(Date.now()) * 1_000_000n,
): (bundlePath: string) => Promise<Bundle> {
  const remembered = new Map<string, Remembered>();
  return async (bundlePath) => {
    const info = await stat(`${bundlePath}/config.json`, { bigint: true }).catch(() => undefined);
    const known = remembered.get(bundlePath);
    remembered.delete(bundlePath);
    if (known !== undefined && info !== undefined && isSame(known.info, info)) {
      remembered.set(bundlePath, known);
      return known.bundle;
    }
    const bundle = await read(bundlePath);
    // It is what was looked at, or newer: then it looks different the next time.
    if (info?.isFile() && info.size <= MAX_CONFIG_BYTES && info.ctimeNs + MIN_AGE_NS < nowNs()) {
      remembered.set(bundlePath, { info, bundle });
      const [oldest] = remembered.keys();
      if (remembered.size > MAX_BUNDLES && oldest !== undefined) remembered.delete(oldest);
    }
    return bundle;
  };
}
