import type { Command } from 'commander';
import { CliError } from '../../cli/error.ts';
import { boolFlag, listFlag, stringFlag, valueFlag } from '../../cli/flags.ts';
import { formatTable } from '../../cli/table.ts';
import type { Event } from '../../generated/api.ts';
import type { Take } from '../job.ts';
import { jsonLine } from '../json.ts';
import { formatMoment, parseMoment } from '../time.ts';

/** What the daemon tells those who ask for it; `gap`, that something was left out, it tells everybody. */
const TYPES = ['exit', 'oom', 'start', 'exec', 'pause', 'resume', 'checkpoint', 'undone'];

type Flags = { since: bigint; id: string; type: string[]; json: boolean };

const HEADER = ['TYPE', 'ID', 'PID', 'STATUS'];

const rowOf = ({ type, id, pid, status }: Event): string[] => [type, id, String(pid), String(status)];

/** What is said of few events is left out of all others. */
const objectOf = ({ timestamp, sequence, type, id, pid, status, checkpoint, ...marks }: Event) => ({
  timestamp: formatMoment(timestamp),
  sequence,
  type,
  id,
  pid,
  status,
  checkpoint,
  unknown: marks.unknown || undefined,
  adopted: marks.adopted || undefined,
  why: marks.why || undefined,
});

/** `ctr events`: one line for each, as it happens. */
export function addEvents(program: Command, take: Take): void {
  const events = program.command('events').description('receive events from the containerd daemon');
  events.addOption(
    valueFlag(
      '--since',
      'begin with those since a time, or that long ago',
      { value: 0n, shown: '' },
      (text) => parseMoment(text, Date.now()),
    ),
  );
  events.addOption(stringFlag('--id', 'only events of this container'));
  events.addOption(listFlag('--type', `types of events, instead of exit and oom`));
  events.addOption(boolFlag('--json', 'print one JSON object a line'));
  events.action(({ since, id, type: types, json }: Flags) => {
    const unknown = types.find((type) => !TYPES.includes(type));
    if (unknown !== undefined) {
      throw new CliError(`unknown type of event ${JSON.stringify(unknown)}: there are ${TYPES.join(', ')}`);
    }
    take(async ({ daemon, stdout }) => {
      const stream = await daemon.events({ since, id, types });
      if (!json) await stdout.write(formatTable([HEADER]));
      try {
        for await (const event of stream as AsyncIterable<Event>) {
          await stdout.write(json ? jsonLine(objectOf(event)) : formatTable([rowOf(event)]));
        }
      } catch (error) {
        throw await daemon.explain(error);
      }
      return 0;
    });
  });
}
