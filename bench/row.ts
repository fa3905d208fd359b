import type { Host } from './host.ts';

/** What a row of the table found: its value and, where it is a ratio, what it is a ratio of, in words. */
export type Measured = { value: number; of: string };

/** One promise about how fast or how small the daemon is, and how to find out. */
export type Row = {
  name: string;
  what: string;
  unit: '' | 'ms' | 's' | 'kB' | 'MB' | '%';
  goal: number;
  /** Which side of the goal is the good one. */
  better: 'more' | 'less';
  measure(host: Host): Promise<Measured>;
};

export const keepsPromise = ({ goal, better }: Row, value: number): boolean =>
  better === 'more' ? value >= goal : value <= goal;

export const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * part) - 1)] ?? Number.NaN;

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** Does it as often as there are rounds, and takes the median; both sides of a ratio are measured within a round. */
export async function medianOf(
  rounds: number,
  measure: (round: number) => Promise<{ ours: number; raw: number; unit: string }>,
  ratioOf = (ours: number, raw: number): number => ours / raw,
): Promise<Measured> {
  const found = [];
  for (let round = 0; round < rounds; round++) found.push(await measure(round));
  const ratios = found.map(({ ours, raw }) => ratioOf(ours, raw));
  const [ours, raw] = [median(found.map((it) => it.ours)), median(found.map((it) => it.raw))];
  return {
    value: median(ratios),
    of: `${ours.toPrecision(3)} against ${raw.toPrecision(3)} ${found[0]?.unit}`,
  };
}

/** What two ways of doing the same took, one after the other. */
export type Pair = { ours: number; raw: number };

/** Measures two ways in pairs of turns, each second pair the other way round: a machine that gets slower does so for both. */
export async function inPairs(
  count: number,
  ours: () => Promise<number>,
  raw: () => Promise<number>,
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let pair = 0; pair < count; pair += 2) {
    pairs.push({ ours: await ours(), raw: await raw() });
    const first = await raw();
    pairs.push({ ours: await ours(), raw: first });
  }
  return pairs;
}

/** Pairs of turns in a round, where a rate is measured: a single turn says 10 % more or less. */
export const PAIRS = 4;

/** How our rate compares, where `each` were done in each turn and turns are in seconds; `unit` is that of the other. */
export function ratesOf(pairs: readonly Pair[], each: number, unit = 'a second'): Measured {
  const { ratio, error } = ratioOf(pairs.map(({ ours, raw }) => ({ ours: raw, raw: ours })));
  const rate = (seconds: number[]): string =>
    ((each * seconds.length) / seconds.reduce((all, one) => all + one, 0)).toPrecision(3);
  const [ours, raw] = [rate(pairs.map((it) => it.ours)), rate(pairs.map((it) => it.raw))];
  return { value: ratio, of: `± ${error.toFixed(2)}, ${ours} against ${raw} ${unit}` };
}

/** What the one sum is to the other where both were measured in pairs, and the standard error of that. */
export function ratioOf(pairs: readonly Pair[]) {
  const sum = (values: number[]): number => values.reduce((all, value) => all + value, 0);
  const [ours, raw] = [sum(pairs.map((it) => it.ours)), sum(pairs.map((it) => it.raw))];
  const ratio = ours / raw;
  const squares = sum(pairs.map((it) => (it.ours - ratio * it.raw) ** 2));
  return { ours, raw, ratio, error: Math.sqrt((squares * pairs.length) / (pairs.length - 1)) / raw };
}
