import type { Command } from 'commander';
import { boolFlag } from '../../cli/flags.ts';
import { formatTable } from '../../cli/table.ts';
import type { Actor } from '../../generated/inspect.ts';
import { formatAge, nowNs } from '../age.ts';
import type { Take } from '../job.ts';
import { jsonLine } from '../json.ts';
import { formatMoment } from '../time.ts';

const HEADER = ['ACTOR', 'STATE', 'FOR', 'PID'];

const INDENTS: Record<string, string> = { supervisor: '', container: '  ', process: '    ' };

const rowOf = ({ kind, id, state, state_since, pid }: Actor): string[] => [
  `${INDENTS[kind] ?? ''}${id}`,
  state,
  formatAge(state_since, nowNs()),
  pid === 0 ? '-' : String(pid),
];

const objectOf = ({ since, state_since, ...actor }: Actor) => ({
  ...actor,
  since: formatMoment(since),
  state_since: formatMoment(state_since),
});

/** `ctr tree`: the daemon's actors as they are now. */
export function addTree(program: Command, take: Take): void {
  const tree = program.command('tree').description('list the actors of the daemon and their states');
  tree.addOption(boolFlag('--json', 'print one JSON object a line'));
  tree.action(({ json }: { json: boolean }) => {
    take(async ({ daemon, stdout }) => {
      const { actors } = await daemon.ask(daemon.inspect.tree, {});
      await stdout.write(
        json
          ? actors.map((actor) => jsonLine(objectOf(actor))).join('')
          : formatTable([HEADER, ...actors.map(rowOf)]),
      );
      return 0;
    });
  });
}
