import path from 'node:path';
import type { Command } from 'commander';
import { CliError } from './error.ts';
import { boolFlag, valueFlag } from './flags.ts';

/** The commands of the daemon's program that run no daemon: they are about its charts. */

const CHARTS = ['container', 'process', 'supervisor'] as const;
const FORMATS = ['json', 'mermaid', 'svg'] as const;

export type ChartFormat = (typeof FORMATS)[number];
/** What is to be done, as plain data. */
export type MachinesCommand = { name: 'machines'; chart: (typeof CHARTS)[number]; format: ChartFormat };
/** `journal` is an absolute path. */
export type ReplayCommand = { name: 'replay'; journal: string; json: boolean };
export type ChartCommand = MachinesCommand | ReplayCommand;

function oneOf<T extends string>(all: readonly T[], text: string, what = ''): T {
  const found = all.find((it) => it === text);
  if (found === undefined) throw new CliError(`${what}there are ${all.join(', ')}`);
  return found;
}

/** `containerd machines`: a chart to be looked at elsewhere. */
export function addMachines(program: Command, take: (command: ChartCommand) => void): void {
  const machines = program.command('machines').description('print a state chart of the daemon');
  machines.argument('[chart]', CHARTS.join(', '), 'container');
  machines.addOption(
    valueFlag('--format', FORMATS.join(', '), { value: 'json', shown: 'json' }, (text) =>
      oneOf(FORMATS, text),
    ),
  );
  machines.action((chart: string, { format }: { format: ChartFormat }) => {
    take({
      name: 'machines',
      chart: oneOf(CHARTS, chart, `unknown chart ${JSON.stringify(chart)}: `),
      format,
    });
  });
}

/** `containerd replay`: what a daemon has told, held against its charts. */
export function addReplay(program: Command, take: (command: ChartCommand) => void): void {
  const replay = program.command('replay').description('say where a journal and the charts part');
  replay.argument('<journal>', 'the file of events of a daemon');
  replay.addOption(boolFlag('--json', 'print one JSON object'));
  replay.action((journal: string, { json }: { json: boolean }) => {
    take({ name: 'replay', journal: path.resolve(journal), json });
  });
}
