import { Option } from 'commander';
import { formatDuration, parseDuration } from './duration.ts';
import { CliError } from './error.ts';

/** The kinds of flags that both programs take. `names` are as the help shows them: `--listen, -l`. */

/** The value of a flag: `parse` throws a `CliError` that says what is wrong with it. */
export function valueFlag<T>(
  names: string,
  usage: string,
  initial: { value: T; shown: string },
  parse: (text: string) => T,
): Option {
  const option = new Option(`${names} <value>`, usage).default(initial.value, initial.shown);
  return option.argParser((text) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      throw new CliError(`invalid value ${JSON.stringify(text)} for flag ${option.long}: ${error.message}`);
    }
  });
}

/** True where it is given. */
export const boolFlag = (names: string, usage: string): Option => new Option(names, usage).default(false);

/** Any text. */
export const stringFlag = (names: string, usage: string, value = ''): Option =>
  valueFlag(names, usage, { value, shown: value }, (text) => text);

/** A text that must not be empty. */
export const nameFlag = (names: string, usage: string, value: string): Option =>
  valueFlag(names, usage, { value, shown: value }, (text) => {
    if (text === '') throw new CliError('must not be empty');
    return text;
  });

/** A whole number, no less than `min` and no more than `max`. */
export const integerFlag = (
  names: string,
  usage: string,
  { value, min, max = Number.MAX_SAFE_INTEGER }: { value: number; min: number; max?: number },
): Option =>
  valueFlag(names, usage, { value, shown: String(value) }, (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= min && number <= max)) {
      const kind = min === 1 ? 'a positive integer' : `an integer, ${min} or more`;
      throw new CliError(`must be ${kind}${max === Number.MAX_SAFE_INTEGER ? '' : `, at most ${max}`}`);
    }
    return number;
  });

/** A Go duration, in whole milliseconds; at least `minMs`, and `maxMs` at most. */
export const durationFlag = (
  names: string,
  usage: string,
  { valueMs, minMs, maxMs }: { valueMs: number; minMs: number; maxMs: number },
): Option =>
  valueFlag(names, usage, { value: valueMs, shown: formatDuration(valueMs) }, (text) => {
    const durationMs = Math.round(parseDuration(text));
    if (durationMs < minMs) throw new CliError(`must be at least ${formatDuration(minMs)}`);
    if (durationMs > maxMs) throw new CliError(`must be at most ${formatDuration(maxMs)}`);
    return durationMs;
  });

/** May be given several times; its value is the list of what it was given. */
export const listFlag = (names: string, usage: string): Option =>
  new Option(`${names} <value>`, usage)
    .default([])
    .argParser((text: string, given: readonly string[]) => [...given, text]);
