import type { Command } from 'commander';
import { CliError } from '../../cli/error.ts';
import { boolFlag } from '../../cli/flags.ts';
import { formatTable } from '../../cli/table.ts';
import type { Container } from '../../generated/api.ts';
import type { Take } from '../job.ts';
import { jsonLine } from '../json.ts';

const HEADER = ['ID', 'PATH', 'STATUS', 'PID1'];

const rowOf = ({ id, bundlePath, status, processes }: Container): string[] => [
  id,
  bundlePath,
  status,
  String(processes[0]?.pid ?? 0),
];

/** `ctr containers list`, and what `ctr containers` does by itself. */
export function addContainersList(group: Command, take: Take): void {
  const list = group.command('list', { isDefault: true }).description('list all running containers');
  list.addOption(boolFlag('--json', 'print one JSON object a line'));
  // It is also what a command that there is none of ends at.
  list.allowExcessArguments().action(({ json }: { json: boolean }) => {
    const [unknown] = list.args;
    if (unknown !== undefined) throw new CliError(`unknown command or argument '${unknown}'`);
    take(async ({ daemon, stdout }) => {
      const { containers } = await daemon.ask(daemon.client.state, {});
      await stdout.write(
        json ? containers.map(jsonLine).join('') : formatTable([HEADER, ...containers.map(rowOf)]),
      );
      return 0;
    });
  });
}
