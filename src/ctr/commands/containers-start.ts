import path from 'node:path';
import type { Command } from 'commander';
import { stringFlag } from '../../cli/flags.ts';
import type { Take } from '../job.ts';

type Flags = { checkpoint: string };

/** `ctr containers start`. */
export function addContainersStart(group: Command, take: Take): void {
  const start = group.command('start').description('start a container').arguments('<id> <bundle>');
  start.addOption(stringFlag('--checkpoint, -c', 'checkpoint to start the container from'));
  start.action((id: string, bundle: string, { checkpoint }: Flags) => {
    take(async ({ daemon }) => {
      const bundlePath = path.resolve(bundle);
      const request = { id, bundlePath, checkpoint, stdin: '', stdout: '', stderr: '', console: '' };
      await daemon.ask(daemon.client.createContainer, request, { patient: true });
      return 0;
    });
  });
}
