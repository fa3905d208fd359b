/** How long ago a moment was, for a table: `850ms`, `42s`, `3m20s`, `5h12m`, `2d3h`; `-` where it is not known. */
export function formatAge(sinceNs: bigint, nowNs: bigint): string {
  if (sinceNs === 0n) return '-';
  const ms = Number((nowNs - sinceNs) / 1_000_000n);
  if (ms < 1000) return `${Math.max(0, ms)}ms`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours}h${minutes % 60}m` : `${Math.floor(hours / 24)}d${hours % 24}h`;
}

/** Now, as far as `Date` knows it. */
export const nowNs = (): bigint => BigInt(Date.now()) * 1_000_000n;
