import type { Command } from 'commander';
import { boolFlag } from '../../cli/flags.ts';
import { formatTable } from '../../cli/table.ts';
import type { Checkpoint } from '../../generated/api.ts';
import type { Take } from '../job.ts';
import { jsonLine } from '../json.ts';

const HEADER = ['NAME', 'TCP', 'UNIX SOCKETS', 'SHELL'];

const rowOf = ({ name, tcp, unixSockets, shell }: Checkpoint): string[] => [
  name,
  String(tcp),
  String(unixSockets),
  String(shell),
];

/** `ctr checkpoints list ID`, which is also what `ctr checkpoints ID` does. */
export function addCheckpointsList(group: Command, take: Take): void {
  const list = group
    .command('list', { isDefault: true })
    .description('list all checkpoints for a container')
    .arguments('<id>');
  list.addOption(boolFlag('--json', 'print one JSON object a line'));
  list.action((id: string, { json }: { json: boolean }) => {
    take(async ({ daemon, stdout }) => {
      const { checkpoints } = await daemon.ask(daemon.client.listCheckpoint, { id });
      await stdout.write(
        json ? checkpoints.map(jsonLine).join('') : formatTable([HEADER, ...checkpoints.map(rowOf)]),
      );
      return 0;
    });
  });
}
