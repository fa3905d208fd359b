import { Command, CommanderError } from 'commander';
import { CliError } from './error.ts';
import { fromGo } from './go-arguments.ts';
import { formatHelp } from './help.ts';

/** The version of both programs, which is that of the original. */
export const VERSION = '0.0.4';

/** How a program ends that has nothing to do, or nothing more: what it prints, and its exit status. */
export type Ending = { status: number; stdout: string; stderr: string };

/** A command whose arguments may be written as Go's package flag takes them. */
class GoCommand extends Command {
  override createCommand(name?: string): Command {
    return new GoCommand(name);
  }

  /** Options are read from the left up to the first argument, all that follows being a program and its own. */
  override passThroughOptions(passThrough = true): this {
    this.#stopsAtOperand = passThrough;
    return super.passThroughOptions(passThrough);
  }
  #stopsAtOperand = false;

  override parseOptions(args: string[]) {
    const stopAtOperand = this.#stopsAtOperand || this.commands.length > 0;
    return super.parseOptions(fromGo(args, this.options, { stopAtOperand }));
  }
}

/** Adds `help`, or `h`, which prints the help of another command of this one. */
export function addHelpCommand(parent: Command): void {
  const help = parent
    .command('help')
    .alias('h')
    .argument('[command]')
    .description('Shows a list of commands or help for one command');
  help.action((name: string | undefined) => {
    const topic = parent.commands.find((it) => it.name() === name || it.aliases().includes(name ?? ''));
    if (name !== undefined && topic === undefined) throw new CliError(`No help topic for '${name}'`);
    (topic ?? parent).help();
  });
}

/** A program without flags, commands and action yet. `print` takes its help and its version, when asked for. */
export function createProgram(name: string, usage: string, print: (text: string) => void): Command {
  return new GoCommand(name)
    .description(usage)
    .version(`${name} version ${VERSION}`, '--version, -v', 'print the version')
    .helpOption('--help, -h', 'show help')
    .helpCommand(false)
    .enablePositionalOptions()
    .configureHelp({ formatHelp })
    .configureOutput({ writeOut: print, writeErr: print, outputError: () => {} })
    .exitOverride();
}

/** Commander's own way to say that help or version have been printed. */
const PRINTED = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

/** What a program prints after what was thrown while it read its arguments, or undefined if it was only its help. */
export function complaintOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof CommanderError)) return thrown instanceof Error ? thrown.message : String(thrown);
  if (PRINTED.has(thrown.code)) return undefined;
  return thrown.message.replace(/^error: /, '').replaceAll('\n', ' ');
}
