import { open } from 'node:fs/promises';
import { eventsIn } from './actors/journal-lines.ts';
import { printChart } from './charts/print.ts';
import { type Replayed, replay } from './charts/replay.ts';
import type { ChartCommand, ReplayCommand } from './cli/chart-commands.ts';
import { counted } from './cli/count.ts';
import type { Ending } from './cli/program.ts';
import type { Event } from './generated/api.ts';

async function* eventsOfFile(file: string): AsyncGenerator<Event> {
  const handle = await open(file, 'r');
  try {
    for await (const events of eventsIn(handle)) yield* events;
  } finally {
    await handle.close();
  }
}

const jsonOf = (replayed: Replayed): string =>
  `${JSON.stringify(replayed, (_, value) => (typeof value === 'bigint' ? String(value) : value))}\n`;

function textOf({ events, containers, unknown, partings }: Replayed): string {
  const lines = partings.map(
    ({ sequence, event, id, state, why }) =>
      `${sequence}: ${event} of ${id}, ${state || 'whatever it is'}: ${why}`,
  );
  if (unknown.length > 0) lines.push(`passed over, as their beginning is not there: ${unknown.join(', ')}`);
  const parts = partings.length === 0 ? 'nowhere' : counted(partings.length, 'time');
  return [
    ...lines,
    `${counted(events, 'event')} of ${counted(containers, 'container')}: journal and charts part ${parts}`,
    '',
  ].join('\n');
}

async function replayJournal({ journal, json }: ReplayCommand): Promise<Ending> {
  try {
    const replayed = await replay(eventsOfFile(journal));
    const stdout = json ? jsonOf(replayed) : textOf(replayed);
    return { status: replayed.partings.length === 0 ? 0 : 1, stdout, stderr: '' };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return {
      status: 1,
      stdout: '',
      stderr: `[containerd] cannot read the journal: ${(error as Error).message}\n`,
    };
  }
}

/**
 * What `containerd` does about its charts where it runs no daemon. It is bundled apart, as a daemon has no need of what
 * draws and replays them.
 */
export async function runChartCommand(command: ChartCommand): Promise<Ending> {
  if (command.name === 'replay') return replayJournal(command);
  return { status: 0, stdout: await printChart(command.chart, command.format), stderr: '' };
}
