import type { Command } from 'commander';
import { formatTable } from '../../cli/table.ts';
import type { Take } from '../job.ts';
import { jsonLine } from '../json.ts';
import { createStatsRows, STATS_HEADER } from '../stats-row.ts';

/** `ctr containers stats`: a row a sample for somebody who looks, an object a line for a program, until it ends. */
export function addContainersStats(group: Command, take: Take): void {
  const stats = group.command('stats').description('get stats for running container').arguments('<id>');
  stats.action((id: string) => {
    take(async ({ daemon, stdout }) => {
      const rowOf = createStatsRows();
      let isFirst = true;
      try {
        for await (const sample of daemon.stats(id)) {
          if (stdout.isTTY && isFirst) await stdout.write(formatTable([STATS_HEADER]));
          isFirst = false;
          await stdout.write(
            stdout.isTTY ? formatTable([rowOf(sample, process.hrtime.bigint())]) : jsonLine(sample),
          );
        }
      } catch (error) {
        throw await daemon.explain(error);
      }
      return 0;
    });
  });
}
