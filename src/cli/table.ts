import { printable } from './printable.ts';

/** A column is never narrower, and this far from the next at least. */
const MIN_WIDTH = 20;
const PADDING = 3;

const widthOf = (cell: string): number => [...cell].length;

/**
 * Lines of a table as the original aligned them (text/tabwriter of Go, minimal width 20, padding 3): each column but
 * the last is padded with blanks to its widest cell plus 3. All rows have as many cells as the first.
 */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(printable));
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(MIN_WIDTH, ...cells.map((row) => widthOf(row[column] ?? '') + PADDING)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)),
      )
      .join('');
  return cells.map((row) => `${line(row)}\n`).join('');
}
