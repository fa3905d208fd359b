import { access, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { integerFlag } from '../src/cli/flags.ts';
import { complaintOf, createProgram } from '../src/cli/program.ts';
import { formatTable } from '../src/cli/table.ts';
import { measureCurves, panelsOf, tableOf } from './curves.ts';
import { Host } from './host.ts';
import { interruption } from './interruption.ts';
import { drawPicture } from './picture.ts';
import { goalOf, isKept, jsonOf, lineOf, type Result } from './report.ts';
import type { Row } from './row.ts';
import { ROWS } from './rows.ts';

/**
 * Measures what the daemon promises, each row with what limits it in the same run, and says which promises are kept.
 *
 *   npm run bench                          all rows
 *   npm run bench -- start-rate exec-rate  these
 *   npm run bench -- --json                for scripts
 *   npm run bench -- --svg FILE            curves instead of rows, as a picture
 */

/** No row takes as long with its defaults: something is stuck. */
const ROW_TIMEOUT_MS = 15 * 60_000;

type Flags = {
  rounds: number;
  starts: number;
  containers: number;
  json: boolean;
  list: boolean;
  svg: string | undefined;
};

function readArguments() {
  const program = createProgram('bench', 'Measure what the daemon promises', (text) =>
    process.stdout.write(text),
  )
    .argument('[row...]', 'the rows to measure; all of them unless said otherwise')
    .addOption(integerFlag('--rounds', 'how often each ratio is measured', { value: 3, min: 1 }))
    .addOption(integerFlag('--starts', 'of how many containers a rate is taken', { value: 200, min: 1 }))
    .addOption(integerFlag('--containers', 'how many containers are many', { value: 1000, min: 1 }))
    .option('--svg <file>', 'draw throughput and latency over clients and containers instead')
    .option('--json', 'print the results as JSON', false)
    .option('--list', 'print the rows and what they measure', false);
  program.parse();
  const flags = program.opts<Flags>();
  if (flags.svg !== undefined && program.args.length > 0) throw new Error('--svg measures no rows');
  const unknown = program.args.filter((name) => !ROWS.some((row) => row.name === name));
  if (unknown.length > 0) throw new Error(`there is no row ${unknown.join(', ')}; --list prints them`);
  const rows = ROWS.filter(({ name }) => program.args.length === 0 || program.args.includes(name));
  return { rows, flags };
}

const isTerminal = process.stderr.isTTY;
const say = (text: string): void => void (isTerminal && process.stderr.write(`\r\x1b[K${text}`));

/** Measures on a host of its own, of which nothing is left; `about` is told what is measured. */
async function onHost<T>(
  { rounds, starts, containers }: Flags,
  measure: (host: Host, about: (what: string) => void) => Promise<T>,
): Promise<T> {
  const interrupted = interruption();
  let current = '';
  const host = await Host.open({
    rounds,
    starts,
    crowd: containers,
    progress: (text) => say(`${current}: ${text}`),
    interrupted,
  });
  try {
    return await measure(host, (what) => {
      interrupted.throwIfAborted();
      current = what;
      say(`${what} …`);
    });
  } finally {
    say(interrupted.aborted ? 'interrupted: ending what was started …' : '');
    await host.close();
    say('');
  }
}

const tooLong = (row: Row) =>
  new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`${row.name} took too long`)), ROW_TIMEOUT_MS).unref();
  });

const measureRows = (rows: readonly Row[], flags: Flags): Promise<Result[]> =>
  onHost(flags, async (host, about) => {
    const results: Result[] = [];
    for (const row of rows) {
      about(row.name);
      const result = await Promise.race([row.measure(host), tooLong(row)]).then(
        (measured): Result => ({ row, measured }),
        (error: Error): Result => ({ row, error: error.message }),
      );
      host.options.interrupted.throwIfAborted();
      results.push(result);
    }
    return results;
  });

/** Gives what is to be printed. */
async function draw(file: string, flags: Flags): Promise<string> {
  // npm runs it in the repository's folder; paths are meant from where npm was called.
  const target = path.resolve(process.env.INIT_CWD ?? '.', file);
  // Better now than after half an hour.
  await access(path.dirname(target));
  const curves = await onHost(flags, measureCurves);
  const { rounds, starts } = flags;
  const title = `Starts of containers on ${os.availableParallelism()} cores, rounds: ${rounds}, starts in each: ${starts}`;
  await writeFile(target, drawPicture(title, panelsOf(curves)));
  return flags.json ? `${JSON.stringify(curves, null, 2)}\n` : formatTable(tableOf(curves));
}

/**
 * Where daemon and runtime have their state while they are measured: in memory, as /run is on most hosts, where both have it
 * by default. On a disk, making and removing small files costs as much as all else that the daemon does.
 */
process.env.TMPDIR ??= '/dev/shm';

async function run(): Promise<string> {
  const { rows, flags } = readArguments();
  if (flags.list)
    return formatTable([['ROW', 'GOAL', 'WHAT'], ...rows.map((it) => [it.name, goalOf(it), it.what])]);
  if (flags.svg !== undefined) return draw(flags.svg, flags);
  const results = await measureRows(rows, flags);
  process.exitCode = results.every(isKept) ? 0 : 1;
  return flags.json
    ? `${JSON.stringify(results.map(jsonOf), null, 2)}\n`
    : formatTable([['ROW', 'GOAL', 'VALUE', '', ''], ...results.map(lineOf)]);
}

try {
  process.stdout.write(await run());
} catch (thrown) {
  const complaint = complaintOf(thrown);
  if (complaint !== undefined) {
    process.stderr.write(`[bench] ${complaint}\n`);
    process.exitCode = 1;
  }
}
