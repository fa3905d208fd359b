import { Option } from 'commander';
import { flagsOf } from '../bench/arguments.ts';
import { integerFlag } from '../src/cli/flags.ts';
import { createProgram } from '../src/cli/program.ts';
import { EXPLORED, explore, LEAVING } from '../src/testing/explorer.ts';

/** Explores what can happen to a daemon: npm run explore -- --depth 6 --delivery any */

type Flags = {
  depth: number;
  concurrency: number;
  oomKills: number;
  delivery: 'prompt' | 'any';
  onStop: 'end' | 'leave';
};

const { depth, concurrency, oomKills, delivery, onStop } = flagsOf<Flags>(
  createProgram(
    'explore',
    'Explore what can happen to a daemon, whose charts run in a model of its host',
    (text) => process.stdout.write(text),
  )
    .addOption(integerFlag('--depth', 'how many moves at the most', { value: EXPLORED.depth, min: 1 }))
    .addOption(
      integerFlag('--concurrency', 'how many containers may start at a time', {
        value: EXPLORED.concurrency,
        min: 1,
      }),
    )
    .addOption(
      integerFlag('--oom-kills', 'how many processes may be killed for want of memory', {
        value: EXPLORED.oomKills,
        min: 0,
      }),
    )
    .addOption(
      new Option('--delivery <when>', 'when messages come; "any": late, in the order of their sender')
        .choices(['prompt', 'any'])
        .default(EXPLORED.delivery),
    )
    .addOption(
      new Option('--on-stop <what>', 'what becomes of containers; "leave": another daemon takes them up')
        .choices(['end', 'leave'])
        .default(EXPLORED.onStop),
    ),
);
const explored = explore({
  ...(onStop === 'leave' ? LEAVING : EXPLORED),
  depth,
  concurrency,
  oomKills,
  delivery,
});
const { worlds, moves, finding } = explored;
process.stdout.write(`${worlds} worlds by ${moves} moves, ${explored.depth} deep, messages ${delivery}\n`);
if (finding !== undefined) {
  process.stdout.write(`${finding.what}\n${finding.trace.map((move) => `  ${move}\n`).join('')}`);
  process.exitCode = 1;
}
