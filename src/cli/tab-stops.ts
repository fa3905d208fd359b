/** Go's text/tabwriter, as urfave/cli v1 sets it up for its help: tabs that reach a multiple of 8, one column away. */
const CELL_MULTIPLE = 8;
const PADDING = 1;

const ceilTo = (width: number, multiple: number): number => Math.ceil(width / multiple) * multiple;

/**
 * Aligns pairs of a term and its description. The tabwriter puts as many tabs after a term as reach the common column
 * where tabs stop every 8 columns; shown by something whose tabs stop every `stop` columns, the descriptions begin
 * in one column where `stop` is 8, and in several where it is 4.
 */
export function alignTerms(pairs: readonly (readonly [term: string, text: string])[], stop: 4 | 8): string[] {
  const column = ceilTo(Math.max(0, ...pairs.map(([term]) => term.length + PADDING)), CELL_MULTIPLE);
  return pairs.map(([term, text]) => {
    const tabs = Math.ceil((column - term.length) / CELL_MULTIPLE);
    const firstStop = ceilTo(term.length + 1, stop);
    return term.padEnd(firstStop + (tabs - 1) * stop) + text;
  });
}
