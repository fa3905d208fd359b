import type { Command } from 'commander';
import type { Take } from '../job.ts';

/** `ctr checkpoints delete`. */
export function addCheckpointsDelete(group: Command, take: Take): void {
  const remove = group
    .command('delete')
    .description("delete a container's checkpoint")
    .arguments('<container> <name>');
  remove.action((id: string, name: string) => {
    take(async ({ daemon }) => {
      // It may have to wait for one that is being made.
      await daemon.ask(daemon.client.deleteCheckpoint, { id, name }, { patient: true });
      return 0;
    });
  });
}
