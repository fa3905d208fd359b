import type { Command } from 'commander';
import { boolFlag } from '../../cli/flags.ts';
import { formatTable } from '../../cli/table.ts';
import type { Step } from '../../generated/inspect.ts';
import { clientWords } from '../../history/client.ts';
import type { Take } from '../job.ts';
import { jsonLine } from '../json.ts';
import { formatMoment } from '../time.ts';

const HEADER = ['TIME', 'PROCESS', 'EVENT', 'FROM', 'STATE', 'OUTCOME'];

/** To the millisecond. */
const timeOf = (ns: bigint): string => new Date(Number(ns / 1_000_000n)).toISOString();

const rowOf = ({ timestamp, process, event, detail, sender, client, state, outcome }: Step): string[] => [
  timeOf(timestamp),
  process || '-',
  detail === '' ? event : `${event} (${detail})`,
  client === undefined ? sender : `${sender}: ${clientWords(client)}`,
  state,
  outcome || '-',
];

/** `ctr history`: what has happened to a container that is there, or that was. */
export function addHistory(program: Command, take: Take): void {
  const history = program
    .command('history')
    .description('show the states of a container, and what brought it there')
    .arguments('<id>');
  history.addOption(boolFlag('--json', 'print one JSON object a line'));
  history.action((id: string, { json }: { json: boolean }) => {
    take(async ({ daemon, stdout }) => {
      const { steps } = await daemon.ask(daemon.inspect.history, { id });
      await stdout.write(
        json
          ? steps.map((step) => jsonLine({ ...step, timestamp: formatMoment(step.timestamp) })).join('')
          : formatTable([HEADER, ...steps.map(rowOf)]),
      );
      return 0;
    });
  });
}
