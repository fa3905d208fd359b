import type { Command } from 'commander';
import { boolFlag } from '../../cli/flags.ts';
import type { Take } from '../job.ts';

type Flags = { tcp: boolean; unixSockets: boolean; exit: boolean; shell: boolean };

/** `ctr checkpoints create`. */
export function addCheckpointsCreate(group: Command, take: Take): void {
  const create = group
    .command('create')
    .description('create a new checkpoint for the container')
    .arguments('<container> <name>');
  create.addOption(boolFlag('--tcp', 'persist open tcp connections'));
  create.addOption(boolFlag('--unix-sockets', 'perist unix sockets'));
  create.addOption(boolFlag('--exit', 'exit the container after the checkpoint completes successfully'));
  create.addOption(boolFlag('--shell', 'checkpoint shell jobs'));
  create.action((id: string, name: string, flags: Flags) => {
    take(async ({ daemon }) => {
      const request = { id, checkpoint: { name, ...flags } };
      await daemon.ask(daemon.client.createCheckpoint, request, { patient: true });
      return 0;
    });
  });
}
