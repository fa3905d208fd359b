import type { Command, Option } from 'commander';
import { alignTerms } from './tab-stops.ts';

/**
 * Help in the layout of urfave/cli v1 of December 2015, as README.md of containerd 0.0.4 shows it. There, the help of
 * the programs themselves (and, so we take it, of what has commands of its own) was written with tabs and is shown with
 * stops every 4 columns; the help of single commands has them every 8.
 */

const INDENT = '   ';
const AUTHOR = '@crosbymichael <crosbymichael@gmail.com>';

const HELP_OF_HELP = ['--help, -h', 'show help'] as const;

/** A flag's names and what it holds if it is not given. A text that is empty leaves the blank before it. */
function flagTerm(option: Option): string {
  const names = option.flags.replace(/ <value>$/, '');
  if (option.isBoolean()) return names;
  if (Array.isArray(option.defaultValue)) {
    const [first = ''] = names.split(',');
    return `${names} [${first} option ${first} option]`;
  }
  const shown = option.defaultValueDescription ?? '';
  return shown === '' ? `${names} ` : `${names} "${shown}"`;
}

const terms = (pairs: readonly (readonly [string, string])[], stop: 4 | 8): string[] =>
  alignTerms(
    pairs.map(([term, text]) => [INDENT + term, text] as const),
    stop,
  );

const flagTerms = (command: Command): (readonly [string, string])[] =>
  command.options
    .filter((option) => option.long !== '--version')
    .map((option) => [flagTerm(option), option.description] as const);

const commandTerms = (command: Command): (readonly [string, string])[] =>
  command.commands.map((it) => [[it.name(), ...it.aliases()].join(', '), it.description()] as const);

const section = (title: string, lines: readonly string[]): string[] => [`${title}:`, ...lines];

function programHelp(program: Command): string[] {
  const flags = [...flagTerms(program), HELP_OF_HELP, ['--version, -v', 'print the version'] as const];
  const name = program.name();
  return [
    ...section('NAME', [`${INDENT}${name} - ${program.description()}`, '']),
    ...section('USAGE', [`${INDENT}${name} [global options] command [command options] [arguments...]`, '']),
    ...section('VERSION', [`${INDENT}${program.version()?.split(' ').at(-1)}`, '']),
    ...section('AUTHOR(S)', [`${INDENT}${AUTHOR} `, '']).map((line) => line.replace(/:$/, ': ')),
    ...section('COMMANDS', [...terms(commandTerms(program), 4), INDENT]),
    ...section('GLOBAL OPTIONS', [...terms(flags, 4), INDENT]),
  ];
}

function groupHelp(group: Command): string[] {
  const name = `${group.parent?.name()} ${group.name()}`;
  return [
    ...section('NAME', [`${INDENT}${name} - ${group.description()}`, '']),
    ...section('USAGE', [`${INDENT}${name} command [command options] [arguments...]`, '']),
    ...section('COMMANDS', [...terms(commandTerms(group), 4), INDENT]),
    ...section('OPTIONS', [...terms([...flagTerms(group), HELP_OF_HELP], 4), INDENT]),
  ];
}

/** The usage of a command without options is indented by two where the original's is shown. */
function commandHelp(command: Command): string[] {
  const name = command.name();
  const flags = terms(flagTerms(command), 8);
  return [
    ...section('NAME', [`${INDENT}${name} - ${command.description()}`, '']),
    ...(flags.length === 0
      ? section('USAGE', [`  command ${name} [arguments...]`])
      : section('USAGE', [`${INDENT}command ${name} [command options] [arguments...]`, ''])),
    ...(flags.length === 0 ? [] : section('OPTIONS', [...flags, INDENT])),
  ];
}

/** The help of a program, of a group of commands, or of a command. */
export function formatHelp(command: Command): string {
  const isProgram = command.parent === null;
  const lines = isProgram ? programHelp : command.commands.length > 0 ? groupHelp : commandHelp;
  return `${lines(command).join('\n')}\n`;
}
