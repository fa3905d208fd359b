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
      await daemon.ask(daemon.client.deleteCheckpoint, { id, name });
      return 0;
    });
  });
}
