const NS_PER_MS = 1_000_000n;

/** Unix milliseconds, with their fraction, as the API has a moment. */
export const nanoseconds = (unixMs: number): bigint =>
  BigInt(Math.floor(unixMs)) * NS_PER_MS + BigInt(Math.floor((unixMs % 1) * 1e6));
