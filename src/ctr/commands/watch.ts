import type { Command } from 'commander';
import { boolFlag } from '../../cli/flags.ts';
import { formatTable } from '../../cli/table.ts';
import type { WatchResponse } from '../../generated/inspect.ts';
import type { Take } from '../job.ts';
import { jsonLine } from '../json.ts';
import { openScreen } from '../screen.ts';
import { formatMoment } from '../time.ts';
import { createWatchRows, HEADER, screenOf, type WatchRow } from '../watch-rows.ts';

const timeOf = (ns: bigint): string => `${formatMoment(ns).slice(11, 19)}`;

const objectOf = (row: WatchRow, timestamp: bigint) => ({
  timestamp: formatMoment(timestamp),
  id: row.id,
  state: row.state,
  pid: row.pid,
  age_ns: row.ageNs,
  cpu_percent: row.cpuPercent,
  memory_bytes: row.memoryBytes,
});

/** `ctr watch`: the containers and what they use, live: a table on a terminal, rows or objects anywhere else. */
export function addWatch(program: Command, take: Take): void {
  const watch = program.command('watch').description('watch the states of containers and what they use');
  watch.addOption(boolFlag('--json', 'print one JSON object a line'));
  watch.action(({ json }: { json: boolean }) => {
    take(async ({ daemon, stdout }) => {
      const rowsOf = createWatchRows();
      const stream = daemon.watch();
      const screen = stdout.isTTY && !json ? openScreen(() => stream.cancel()) : undefined;
      let isFirst = true;
      try {
        for await (const answer of stream as AsyncIterable<WatchResponse>) {
          const rows = rowsOf(answer);
          if (screen !== undefined) screen.draw((view) => screenOf(rows, view));
          else if (json)
            await stdout.write(rows.map((row) => jsonLine(objectOf(row, answer.timestamp))).join(''));
          else {
            const cells = rows.map((row) => [timeOf(answer.timestamp), ...row.cells]);
            await stdout.write(formatTable([...(isFirst ? [['TIME', ...HEADER]] : []), ...cells]));
          }
          isFirst = false;
        }
      } catch (error) {
        screen?.close();
        if (screen?.left !== undefined) return screen.left;
        throw await daemon.explain(error);
      } finally {
        screen?.close();
      }
      return 0;
    });
  });
}
