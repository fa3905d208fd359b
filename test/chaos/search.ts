import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { formatHappening, formatTrace, type Happening, happening, parseTrace } from './happening.ts';
import { RealLife } from './real-life.ts';
import { type LifeOptions, SimulatedLife } from './simulated-life.ts';

/** So many happen to one daemon, or on one simulated host, before there is a new one. */
const STEPS_OF_A_LIFE = 100;

export type SearchOptions = {
  simulated: boolean;
  /** Of the first life; each has the next. */
  seed: number;
  /** How many happenings there are at most. */
  steps: number;
  /** By Date.now(), when no other life begins. */
  endMs: number;
  /** Once it is aborted, whatever happens is ended at once. */
  interrupted: AbortSignal;
  /** Told how much has happened so far. */
  progress: (happened: number) => void;
} & Pick<LifeOptions, 'sabotage'>;

/** What was wrong, and what had happened; on a simulated host, as little as it takes. */
export type Found = { seed: number; trace: readonly Happening[]; wrong: readonly string[] };
export type Search = { happened: number; found: Found | undefined };

const lifeOf = (steps: number) => fc.array(happening, { minLength: 1, maxLength: steps, size: 'max' });

/** The life of a seed; `progress` counts it alone. */
async function searchLife({
  simulated,
  sabotage,
  seed,
  steps,
  interrupted,
  progress,
}: SearchOptions): Promise<Search> {
  let happened = 0;
  let found: Found | undefined;
  let isFirst = true;
  await fc.check(
    fc.asyncProperty(lifeOf(Math.min(steps, STEPS_OF_A_LIFE)), async (all) => {
      // What is found already is not made any shorter.
      if (interrupted.aborted) return true;
      let count = 0;
      const note = (n: number) => {
        count = n + 1;
        // What comes after the first is the same again, in shorter.
        if (isFirst) progress(count);
      };
      const wrong = simulated
        ? await SimulatedLife.live(all, { ...(sabotage && { sabotage }), watch: { happening: note } })
        : await RealLife.live(all, { watch: { happening: note }, interrupted });
      if (isFirst) happened = count;
      isFirst = false;
      // The last one that goes wrong is the shortest.
      if (wrong.length > 0) found = { seed, trace: all.slice(0, count), wrong };
      return wrong.length === 0;
    }),
    { seed, numRuns: 1, endOnFailure: !simulated },
  );
  return { happened, found };
}

/** One life after the other, each of a seed of its own, until one of them goes wrong, or it is enough. */
export async function search(options: SearchOptions): Promise<Search> {
  let happened = 0;
  for (let { seed } = options; happened < options.steps; seed += 1) {
    if (options.interrupted.aborted || Date.now() >= options.endMs) break;
    const progress = (count: number) => options.progress(happened + count);
    const life = await searchLife({ ...options, seed, steps: options.steps - happened, progress });
    happened += life.happened;
    if (life.found !== undefined) return { happened, found: life.found };
  }
  return { happened, found: undefined };
}

/** Prints what came of a search that began at a seed; writes the trace of what was wrong into a folder. */
export async function tell(
  { happened, found }: Search,
  { seed, folder, print }: { seed: number; folder: string; print: (line: string) => void },
): Promise<void> {
  if (found === undefined) {
    print(`${happened} happenings from seed ${seed}, nothing wrong`);
    return;
  }
  const file = path.join(folder, `chaos-${found.seed}.trace`);
  await writeFile(file, `# seed ${found.seed}\n${formatTrace(found.trace)}`);
  for (const line of found.wrong) print(line);
  print(`seed ${found.seed}, trace ${file}`);
}

export type ReplayOptions = Pick<SearchOptions, 'simulated' | 'sabotage' | 'interrupted'> & {
  print: (line: string) => void;
};

/**
 * Lets the happenings of a trace happen, and gives what was wrong. Prints each before it happens and, on a simulated
 * host, the steps that are taken thereupon.
 */
export async function replay(text: string, options: ReplayOptions): Promise<readonly string[]> {
  const { simulated, sabotage, interrupted, print } = options;
  const all = parseTrace(text);
  const watch = {
    happening: (n: number) => print(formatHappening(all[n] as Happening)),
    ending: () => print('# everything comes to its end'),
    step: (what: string) => print(`  ${what}`),
  };
  return simulated
    ? SimulatedLife.live(all, { ...(sabotage && { sabotage }), watch })
    : RealLife.live(all, { watch, interrupted });
}
