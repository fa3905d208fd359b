import { keepsPromise, type Measured, type Row } from './row.ts';

/** What came of a row: what was measured, or why nothing was. */
export type Result = { row: Row; measured?: Measured; error?: string };

const shown = ({ unit }: Row, value: number): string =>
  `${value.toFixed(value < 10 ? 2 : 1)}${unit === '' ? '' : ` ${unit}`}`;

/** What a row promises, as `≥ 0.92`. */
export const goalOf = (row: Row): string =>
  `${row.better === 'more' ? '≥' : '≤'} ${row.goal} ${row.unit}`.trim();

export const isKept = ({ row, measured }: Result): boolean =>
  measured !== undefined && keepsPromise(row, measured.value);

/** A line of the table. */
export function lineOf(result: Result): string[] {
  const { row, measured, error = '' } = result;
  return [
    row.name,
    goalOf(row),
    measured ? shown(row, measured.value) : '—',
    measured === undefined ? '—' : isKept(result) ? 'kept' : 'missed',
    measured?.of ?? error,
  ];
}

/** The same for scripts. */
export function jsonOf(result: Result): object {
  const { row, measured, error } = result;
  const { name, what, unit, goal, better } = row;
  return {
    name,
    what,
    unit,
    goal,
    better,
    ...measured,
    ...(measured && { kept: isKept(result) }),
    ...(error && { error }),
  };
}
