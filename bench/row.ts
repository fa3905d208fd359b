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

/** What the one sum is to the other where both were measured in pairs, and the standard error of that. */
export function ratioOf(pairs: readonly { ours: number; raw: number }[]) {
  const sum = (values: number[]): number => values.reduce((all, value) => all + value, 0);
  const [ours, raw] = [sum(pairs.map((it) => it.ours)), sum(pairs.map((it) => it.raw))];
  const ratio = ours / raw;
  const squares = sum(pairs.map((it) => (it.ours - ratio * it.raw) ** 2));
  return { ours, raw, ratio, error: Math.sqrt((squares * pairs.length) / (pairs.length - 1)) / raw };
}
