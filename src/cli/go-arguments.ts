import type { Option } from 'commander';
import { CliError } from './error.ts';

/** What strconv.ParseBool of Go takes. */
const TRUE = /^(1|t|T|TRUE|true|True)$/;
const FALSE = /^(0|f|F|FALSE|false|False)$/;

/**
 * Arguments as Go's package flag takes them, in the way commander does: `-name` is `--name`, and `--name=false` a
 * boolean flag that is not given. Values of flags are left as they are, and so is all that follows `--` or, where
 * `stopAtOperand`, the first argument that is no flag. Boolean flags come first in what is returned.
 */
export function fromGo(
  args: readonly string[],
  options: readonly Option[],
  { stopAtOperand }: { stopAtOperand: boolean },
): string[] {
  const given = new Set<string>();
  const others: string[] = [];
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at] ?? '';
    const [, name, equals, value = ''] = /^--?([^=-][^=]*)(=)?(.*)$/s.exec(arg) ?? [];
    if (arg === '--' || (stopAtOperand && name === undefined)) break;
    const option = options.find(({ long, short }) => long === `--${name}` || short === `-${name}`);
    const long = option?.long ?? arg;
    if (option === undefined) others.push(arg === '-help' ? '--help' : arg);
    else if (!option.isBoolean()) {
      // Without an equals sign the next argument is its value, whatever it looks like.
      others.push(...(equals === undefined ? [long, ...args.slice(++at, at + 1)] : [`${long}=${value}`]));
    } else if (equals === undefined || TRUE.test(value)) given.add(long);
    else if (FALSE.test(value)) given.delete(long);
    else throw new CliError(`invalid boolean value ${JSON.stringify(value)} for flag ${long}`);
  }
  return [...given, ...others, ...args.slice(at)];
}
