/** Parsers of what the kernel's control files hold (cgroup-v2.rst, "Format"); what is malformed counts as nothing. */

/** How the kernel's `max` is told: the largest number that the wire format holds. */
const UNLIMITED = 2n ** 64n - 1n;
const DIGITS = /^\d+$/;

/** The number that a file or a field holds; 0 where there is none. */
export function parseCounter(text: string): bigint {
  const word = text.trim();
  if (word === 'max') return UNLIMITED;
  return DIGITS.test(word) ? BigInt(word) : 0n;
}

/** Numbers by name, one a line: `pgfault 734`. */
export function parseCounters(text: string): { [name: string]: bigint } {
  const counters: { [name: string]: bigint } = {};
  for (const line of text.split('\n')) {
    const blank = line.indexOf(' ');
    if (blank > 0) counters[line.slice(0, blank)] = parseCounter(line.slice(blank + 1));
  }
  return counters;
}
