import { integerFlag } from '../src/cli/flags.ts';
import { complaintOf, createProgram } from '../src/cli/program.ts';
import { formatTable } from '../src/cli/table.ts';
import { Host } from './host.ts';
import { keepsPromise, type Measured, type Row } from './row.ts';
import { ROWS } from './rows.ts';

/**
 * Measures what the daemon promises, each row with what limits it in the same run, and says which promises are kept.
 *
 *   npm run bench                          all rows
 *   npm run bench -- start-rate exec-rate  these
 *   npm run bench -- --json                for scripts
 */

/** No row takes as long with its defaults: something is stuck. */
const ROW_TIMEOUT_MS = 15 * 60_000;

type Flags = { rounds: number; starts: number; containers: number; json: boolean; list: boolean };
type Result = { row: Row; measured?: Measured; error?: string };

const shown = ({ unit }: Row, value: number): string =>
  `${value.toFixed(value < 10 ? 2 : 1)}${unit === '' ? '' : ` ${unit}`}`;
const goalOf = (row: Row): string => `${row.better === 'more' ? '≥' : '≤'} ${row.goal} ${row.unit}`.trim();
const verdictOf = ({ row, measured }: Result): string =>
  measured === undefined ? '—' : keepsPromise(row, measured.value) ? 'kept' : 'missed';

function lineOf(result: Result): string[] {
  const { row, measured, error = '' } = result;
  return [
    row.name,
    goalOf(row),
    measured ? shown(row, measured.value) : '—',
    verdictOf(result),
    measured?.of ?? error,
  ];
}

function jsonOf({ row, measured, error }: Result): object {
  const { name, what, unit, goal, better } = row;
  return {
    name,
    what,
    unit,
    goal,
    better,
    ...measured,
    ...(measured && { kept: keepsPromise(row, measured.value) }),
    ...(error && { error }),
  };
}

function readArguments() {
  const program = createProgram('bench', 'Measure what the daemon promises', (text) =>
    process.stdout.write(text),
  )
    .argument('[row...]', 'the rows to measure; all of them unless said otherwise')
    .addOption(integerFlag('--rounds', 'how often each ratio is measured', { value: 3, min: 1 }))
    .addOption(integerFlag('--starts', 'of how many containers a rate is taken', { value: 200, min: 1 }))
    .addOption(integerFlag('--containers', 'how many containers are many', { value: 1000, min: 1 }))
    .option('--json', 'print the results as JSON', false)
    .option('--list', 'print the rows and what they measure', false);
  program.parse();
  const unknown = program.args.filter((name) => !ROWS.some((row) => row.name === name));
  if (unknown.length > 0) throw new Error(`there is no row ${unknown.join(', ')}; --list prints them`);
  const rows = ROWS.filter(({ name }) => program.args.length === 0 || program.args.includes(name));
  return { rows, flags: program.opts<Flags>() };
}

const isTerminal = process.stderr.isTTY;
const say = (text: string): void => void (isTerminal && process.stderr.write(`\r\x1b[K${text}`));

async function measure(rows: readonly Row[], { rounds, starts, containers }: Flags): Promise<Result[]> {
  const results: Result[] = [];
  let current = '';
  const host = await Host.open({
    rounds,
    starts,
    crowd: containers,
    progress: (text) => say(`${current}: ${text}`),
  });
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => reject(new Error('interrupted')));
  });
  const tooLong = (row: Row) =>
    new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`${row.name} took too long`)), ROW_TIMEOUT_MS).unref();
    });
  try {
    for (const row of rows) {
      current = row.name;
      say(`${row.name} …`);
      const measured = row.measure(host);
      const result = await Promise.race([measured, interrupted, tooLong(row)]).then(
        (measured): Result => ({ row, measured }),
        (error: Error): Result => {
          if (error.message === 'interrupted') throw error;
          return { row, error: error.message };
        },
      );
      results.push(result);
    }
  } finally {
    say('');
    await host.close();
  }
  return results;
}

try {
  const { rows, flags } = readArguments();
  if (flags.list) {
    process.stdout.write(
      formatTable([['ROW', 'GOAL', 'WHAT'], ...rows.map((row) => [row.name, goalOf(row), row.what])]),
    );
  } else {
    const results = await measure(rows, flags);
    const text = flags.json
      ? `${JSON.stringify(results.map(jsonOf), null, 2)}\n`
      : formatTable([['ROW', 'GOAL', 'VALUE', '', ''], ...results.map(lineOf)]);
    process.stdout.write(text);
    process.exitCode = results.every((it) => verdictOf(it) === 'kept') ? 0 : 1;
  }
} catch (thrown) {
  const complaint = complaintOf(thrown);
  if (complaint !== undefined) {
    process.stderr.write(`[bench] ${complaint}\n`);
    process.exitCode = 1;
  }
}
