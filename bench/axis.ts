/** Where a value is on an axis, and which values are written beside it. */
export type Axis = {
  ticks: number[];
  /** From 0, where the axis begins, to 1, where it ends. */
  placeOf(value: number): number;
};

/** How far apart ticks are, in powers of ten. */
const STEPS = [1, 2, 5, 10];
/** An axis from zero has so many steps at most, and half of them at least. */
const MOST_STEPS = 6;

const powerOf = (value: number): number => 10 ** Math.floor(Math.log10(value));
const below = (value: number): number =>
  (STEPS.findLast((it) => it * powerOf(value) <= value) ?? 1) * powerOf(value);
const above = (value: number): number =>
  (STEPS.find((it) => it * powerOf(value) >= value) ?? 10) * powerOf(value);

function checked(values: readonly number[]): readonly number[] {
  if (values.length === 0 || values.some((it) => !(it > 0 && Number.isFinite(it))))
    throw new RangeError(`no axis for ${values.length === 0 ? 'nothing' : values.join(', ')}`);
  return values;
}

/** An axis from zero to a round number that no value is beyond. Throws a `RangeError` for none, and for one below zero. */
export function fromZero(values: readonly number[]): Axis {
  const most = Math.max(...checked(values));
  const step = above(most / MOST_STEPS);
  const end = Math.ceil(most / step);
  const ticks = Array.from({ length: end + 1 }, (_, n) => Number((n * step).toPrecision(12)));
  return { ticks, placeOf: (value) => value / (end * step) };
}

function logarithmic(ticks: number[]): Axis {
  const [first = 1, last = 1] = [ticks[0], ticks.at(-1)];
  const [low, high] = [Math.log(first), Math.log(last)];
  return { ticks, placeOf: (value) => (high === low ? 0.5 : (Math.log(value) - low) / (high - low)) };
}

/** An axis on which ten times as much is as far everywhere, by 1, 2 and 5. Throws as `fromZero` does, and for zero. */
export function byTens(values: readonly number[]): Axis {
  const [least, most] = [below(Math.min(...checked(values))), above(Math.max(...values))];
  const ticks = [least];
  for (let tick = least; tick < most || ticks.length < 2; ticks.push(tick)) tick = above(tick * 1.5);
  return logarithmic(ticks);
}

/** The same, with the values themselves as its ticks. */
export const atEach = (values: readonly number[]): Axis =>
  logarithmic([...new Set(checked(values))].toSorted((a, b) => a - b));
