import { constants } from 'node:os';
import { CliError } from '../cli/error.ts';

/** A signal by its number or by its name: `15`, `TERM` and `SIGTERM` are one. What the kernel knows, the daemon says. */
export function parseSignal(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  const name = text.toUpperCase().replace(/^(SIG)?/, 'SIG');
  const number = Object.entries(constants.signals).find(([known]) => known === name)?.[1];
  if (number === undefined) throw new CliError('must be the number or the name of a signal');
  return number;
}
