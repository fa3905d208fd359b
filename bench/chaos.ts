import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { parseDuration } from '../src/cli/duration.ts';
import { formatTrace, type Happening, happening, parseTrace } from '../test/chaos/happening.ts';
import { RealLife } from '../test/chaos/real-life.ts';
import { SimulatedLife } from '../test/chaos/simulated-life.ts';

const HELP = `Lets happen to a daemon whatever can, at random, until something is wrong or it is interrupted: requests of all kinds,
a runtime that fails, and kills of the daemon, the shim and the containers.

  npm run chaos [-- OPTIONS]

  --simulated      on a simulated host, thousands a second, and what is found is shortened; without it on real ones
  --steps COUNT    ends after so many happenings
  --for DURATION   ends after that time: 90s, 10m, 1h30m
  --seed NUMBER    the same happenings each time; one of its own unless given
  --replay FILE    the happenings of a trace, and nothing else
  --help           prints this

Where something is wrong, it prints what, the seed, and the file in which the trace is, and ends with status 1.
`;

/** So many happen to one daemon, or on one simulated host, before there is a new one. */
const STEPS_OF_A_LIFE = 100;

type Found = { trace: readonly Happening[]; wrong: readonly string[] };
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

let interrupted = false;
process.once('SIGINT', () => {
  interrupted = true;
});

/** What is wrong once all of that has happened; nothing where it was interrupted meanwhile. */
async function live({ simulated }: Options, trace: readonly Happening[]): Promise<Found | undefined> {
  let last = 0;
  const wrong = simulated
    ? await SimulatedLife.live(trace)
    : await RealLife.live(trace, (n) => {
        if (interrupted) throw new Error('interrupted');
        last = n;
      });
  if (interrupted || wrong.length === 0) return undefined;
  return { trace: simulated ? trace : trace.slice(0, last + 1), wrong };
}

const lifeOf = (steps: number) => fc.array(happening, { minLength: 1, maxLength: steps, size: 'max' });

/** A life of a seed: how much happened in it, and what was wrong, on a simulated host by as little as it takes. */
async function lifeOfSeed(options: Options, seed: number, steps: number) {
  let happened = 0;
  let found: Found | undefined;
  await fc.check(
    fc.asyncProperty(lifeOf(Math.min(steps, STEPS_OF_A_LIFE)), async (trace) => {
      happened ||= trace.length;
      // The last one that goes wrong is the shortest.
      const wrong = await live(options, trace);
      found = wrong ?? found;
      return wrong === undefined;
    }),
    { seed, numRuns: 1, endOnFailure: !options.simulated },
  );
  return { happened, found };
}

/** One life after the other, each of a seed of its own, until one of them goes wrong. */
async function search(options: Options): Promise<(Found & { seed: number }) | undefined> {
  let all = 0;
  for (let seed = options.seed; all < options.steps; seed += 1) {
    if (interrupted || Date.now() >= options.endMs) break;
    const { happened, found } = await lifeOfSeed(options, seed, options.steps - all);
    if (found !== undefined) return { seed, ...found };
    all += happened;
    if (process.stderr.isTTY) process.stderr.write(`\r${all} happenings`);
  }
  if (process.stderr.isTTY) process.stderr.write('\r');
  process.stdout.write(`${all} happenings from seed ${options.seed}, nothing wrong\n`);
  return undefined;
}

async function run(options: Options): Promise<void> {
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  if (options.replay !== undefined) {
    // npm runs it in the repository's folder; paths are meant from where npm was called.
    const file = path.resolve(process.env.INIT_CWD ?? '.', options.replay);
    const found = await live(options, parseTrace(await readFile(file, 'utf8')));
    process.stdout.write(found === undefined ? 'nothing wrong\n' : `${found.wrong.join('\n')}\n`);
    process.exitCode = found === undefined ? 0 : 1;
    return;
  }
  const found = await search(options);
  if (found === undefined) return;
  const file = path.join(os.tmpdir(), `chaos-${found.seed}.trace`);
  await writeFile(file, `# seed ${found.seed}\n${formatTrace(found.trace)}`);
  process.stdout.write(`${found.wrong.join('\n')}\nseed ${found.seed}, trace ${file}\n`);
  process.exitCode = 1;
}

try {
  await run(readOptions());
} catch (error) {
  process.stderr.write(`[chaos] ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
