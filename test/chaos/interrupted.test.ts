import { describe, expect, it } from 'vitest';
import { MACHINES } from '../../src/charts/charts.ts';
import { Coverage } from '../../src/testing/coverage.ts';
import { figure, testingPage } from '../docs/testing-page.ts';
import { formatTrace, type Happening } from './happening.ts';
import { type LifeOptions, SimulatedLife } from './simulated-life.ts';

const settle: Happening = { do: 'settle' };
const create: Happening = { do: 'create', id: 0, restore: false };
const restore: Happening = { do: 'create', id: 0, restore: true };
const exec: Happening = { do: 'exec', id: 0 };
const pause: Happening = { do: 'pause', id: 0, signal: 0 };
const resume: Happening = { do: 'resume', id: 0, signal: 0 };
const kill: Happening = { do: 'signal', id: 0, at: 0, signal: 9 };
const checkpoint: Happening = { do: 'checkpoint', id: 0, name: 0, exit: false };
const lastCheckpoint: Happening = { do: 'checkpoint', id: 0, name: 1, exit: true };
const deleteCheckpoint: Happening = { do: 'deleteCheckpoint', id: 0, name: 0 };
const initEnds: Happening = { do: 'end', id: 0, at: 0 };
const lastEnds: Happening = { do: 'end', id: 0, at: 1 };
const outOfMemory: Happening = { do: 'outOfMemory', id: 0, at: 1 };
const breaks = (effect: Extract<Happening, { do: 'break' }>['effect']): Happening => ({
  do: 'break',
  effect,
  fault: 'dies',
});

/** How it comes to what is interrupted; each has come to its end. */
const BEGINNINGS: Record<string, Happening[]> = {
  'there is none': [],
  'it runs': [create],
  'it runs with an exec': [create, exec],
  'it is paused, with an exec': [create, exec, pause],
  'it has a checkpoint': [create, checkpoint],
  'it has left a checkpoint': [create, checkpoint, initEnds],
};

/** What is interrupted, by its beginning. */
const OPERATIONS: Record<keyof typeof BEGINNINGS, Happening[][]> = {
  'there is none': [[create], [breaks('launch'), create], [breaks('launch'), breaks('delete'), create]],
  'it runs': [
    [exec],
    [breaks('launch'), exec],
    [exec, pause],
    [pause],
    [breaks('pause'), pause],
    [kill],
    [breaks('delete'), kill],
  ],
  'it runs with an exec': [[initEnds], [lastEnds], [outOfMemory], [lastCheckpoint], [{ do: 'stopDaemon' }]],
  'it is paused, with an exec': [
    [resume],
    [breaks('resume'), resume],
    [kill],
    [breaks('resume'), kill],
    [checkpoint],
    [lastCheckpoint],
    [breaks('checkpoint'), checkpoint],
  ],
  'it has a checkpoint': [[checkpoint], [deleteCheckpoint], [pause, deleteCheckpoint]],
  'it has left a checkpoint': [[restore], [breaks('launch'), restore]],
};

/** What interrupts it. */
const EVENTS: Happening[] = [
  create,
  exec,
  pause,
  resume,
  kill,
  lastCheckpoint,
  deleteCheckpoint,
  { do: 'cancel', at: 0 },
  initEnds,
  lastEnds,
  outOfMemory,
  { do: 'killShim' },
  { do: 'killDaemon' },
  { do: 'stopDaemon' },
];

/** Every path: what interrupts an operation does so after each of its steps, before the first and after the last. */
async function* paths(): AsyncGenerator<Happening[]> {
  for (const [beginning, operations] of Object.entries(OPERATIONS)) {
    const before = (BEGINNINGS[beginning] ?? []).flatMap((it) => [it, settle]);
    for (const operation of operations) {
      const steps = await SimulatedLife.stepsOf([...before, ...operation]);
      for (let taken = 0; taken <= steps; taken += 1)
        for (const event of EVENTS)
          yield [...before, ...operation, { do: 'go', at: 0, steps: taken }, event, settle];
    }
  }
}

/** The first path on which something is wrong, as a trace; and how many there were. */
async function walk(options: LifeOptions): Promise<{ count: number; found?: string }> {
  let count = 0;
  for await (const path of paths()) {
    count += 1;
    const wrong = await SimulatedLife.live(path, options);
    if (wrong.length > 0) return { count, found: `${formatTrace(path)}# ${wrong.join('\n# ')}\n` };
  }
  return { count };
}

describe('whatever happens after each step of each operation', () => {
  it('is borne', { timeout: 60_000 }, async () => {
    const coverage = new Coverage(MACHINES.container);
    const { count, found } = await walk({ inspect: coverage.inspect });
    const { states, transitions } = coverage.report();
    process.stdout.write(
      `${count} paths with an interruption, by ${transitions.all.length - transitions.missing.length} of ${transitions.all.length} transitions\n`,
    );
    // npm run chaos -- --simulated --replay FILE takes the trace.
    if (found !== undefined) expect.fail(found);
    expect(states.missing).toEqual([]);
    expect(testingPage).toContain(`${figure(count)} paths with an interruption`);
  });

  it('is found where it is not', async () => {
    const { found } = await walk({
      sabotage: (ports) => ({ ...ports, effects: { ...ports.effects, resume: async () => {} } }),
    });
    expect(found).toContain('State says c0 running');
  });
});
