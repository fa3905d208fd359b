import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { parseDuration } from '../src/cli/duration.ts';
import { replay, search, tell } from '../test/chaos/search.ts';
import { interruption } from './interruption.ts';

const HELP = `Lets happen to a daemon whatever can, at random, until something is wrong or it is interrupted: requests of all kinds,
a runtime that fails, and kills of the daemon, the shim and the containers.

  npm run chaos [-- OPTIONS]

  --simulated      on a simulated host, thousands a second, and what is found is shortened; without it on real ones
  --steps COUNT    ends after so many happenings
  --for DURATION   ends after that time: 90s, 10m, 1h30m
  --seed NUMBER    the same happenings each time; one of its own unless given
  --replay FILE    the happenings of a trace, and nothing else; printed with the steps that a simulated host takes
  --help           prints this

Where something is wrong, it prints what, the seed, and the file in which the trace is, and ends with status 1.
Ctrl-C ends it, and all that it has started.
`;

/** How often the progress is printed. */
const PROGRESS_MS = 100;

type Options = ReturnType<typeof readOptions>;

function readOptions() {
  const { values } = parseArgs({
    options: {
      simulated: { type: 'boolean', default: false },
      steps: { type: 'string' },
      for: { type: 'string' },
      seed: { type: 'string' },
      replay: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const number = (name: 'steps' | 'seed'): number | undefined => {
    const value = values[name] === undefined ? undefined : Number(values[name]);
    if (value !== undefined && !Number.isSafeInteger(value))
      throw new Error(`--${name} takes a whole number`);
    return value;
  };
  return {
    help: values.help ?? false,
    simulated: values.simulated,
    steps: number('steps') ?? Number.POSITIVE_INFINITY,
    seed: number('seed') ?? Math.trunc(Math.random() * 2 ** 31),
    endMs: values.for === undefined ? Number.POSITIVE_INFINITY : Date.now() + parseDuration(values.for),
    replay: values.replay,
  };
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const { isTTY } = process.stderr;

/** Says on a terminal how much has happened. */
function createProgress(): (happened: number) => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (happened) => {
    if (!isTTY || performance.now() - lastMs < PROGRESS_MS) return;
    lastMs = performance.now();
    process.stderr.write(`\r${happened} happenings`);
  };
}

async function run({ help, replay: file, ...options }: Options): Promise<void> {
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  const interrupted = interruption();
  if (file !== undefined) {
    // npm runs it in the repository's folder; paths are meant from where npm was called.
    const text = await readFile(path.resolve(process.env.INIT_CWD ?? '.', file), 'utf8');
    const wrong = await replay(text, { simulated: options.simulated, interrupted, print });
    interrupted.throwIfAborted();
    print(wrong.length === 0 ? 'nothing wrong' : wrong.join('\n'));
    process.exitCode = wrong.length === 0 ? 0 : 1;
    return;
  }
  const result = await search({ ...options, interrupted, progress: createProgress() });
  if (isTTY) process.stderr.write('\r\x1b[K');
  await tell(result, { seed: options.seed, folder: os.tmpdir(), print });
  process.exitCode = result.found === undefined ? 0 : 1;
}

try {
  await run(readOptions());
} catch (error) {
  process.stderr.write(`[chaos] ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
