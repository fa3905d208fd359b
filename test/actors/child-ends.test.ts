import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createActor, fromPromise, setup, stopChild } from 'xstate';
import { hearEndsByKind } from '../../src/actors/child-ends.ts';
import { reactions } from '../../src/testing/simulated-steps.ts';

const run = promisify(execFile);
const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** A machine with children `job-1`, `job-2`, … that end as they are told, and what it hears of their ends. */
function withJobs() {
  const heard: string[] = [];
  const machine = setup({
    types: {} as { events: { type: 'xstate.done.actor.*' | 'xstate.error.actor.*'; actorId: string } },
    actors: {
      job: fromPromise<void, { fails: boolean }>(async ({ input }) => {
        if (input.fails) throw new Error('it broke');
      }),
    },
    actions: {
      hear: ({ event }) => heard.push(`${event.type} ${event.actorId}`),
      drop: stopChild((_, id: string) => id),
    },
  }).createMachine({
    invoke: [
      { src: 'job', id: 'job-1', input: { fails: false } },
      { src: 'job', id: 'job-2', input: { fails: true } },
      { src: 'job', id: 'other', input: { fails: false } },
    ],
    on: { 'xstate.done.actor.*': { actions: 'hear' }, 'xstate.error.actor.*': { actions: 'hear' } },
  });
  return { machine, heard };
}

describe('the ends of children', () => {
  it('are heard of by their kind, and say which child it was', async () => {
    const { machine, heard } = withJobs();
    createActor(hearEndsByKind(machine, (id) => (id.startsWith('job-') ? 'job' : undefined))).start();
    await reactions();
    expect(heard.sort()).toEqual([
      'xstate.done.actor.job job-1',
      'xstate.done.actor.other other',
      'xstate.error.actor.job job-2',
    ]);
  });
});

describe('a system through which many containers go', () => {
  it('keeps nothing of any of them', { timeout: 180_000 }, async () => {
    const flags = ['--expose-gc', '--max-semi-space-size=64'];
    const program = [pathOf('../../scripts/run-ts.mjs'), pathOf('fixtures/heap.ts'), '2000', '25000'];
    const { stdout } = await run(process.execPath, [...flags, ...program]);
    // XState would keep some 700 bytes of each for ever.
    expect(Number(stdout)).toBeLessThan(70);
  });
});
