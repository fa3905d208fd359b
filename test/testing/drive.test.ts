import { describe, expect, it } from 'vitest';
import { MACHINES } from '../../src/charts/charts.ts';
import { allPaths, shortestPaths, simplePaths, stepPaths } from '../../src/testing/client-chart.ts';
import { Coverage, printCoverage } from '../../src/testing/coverage.ts';
import { drive, pureDriven } from '../../src/testing/drive.ts';
import { simulatedDriven } from '../../src/testing/simulated-driven.ts';
import { CLIENT_STEPS, type ClientStep, HOST_STEPS } from '../../src/testing/step.ts';
import { figure, testingPage } from '../docs/testing-page.ts';

describe('paths of a container as its client sees it', () => {
  it('are the shortest to each status', () => {
    expect(shortestPaths().filter((path) => path.length > 0)).toEqual([
      [{ step: 'create', status: 'running' }],
      [
        { step: 'create', status: 'running' },
        { step: 'pause', status: 'paused' },
      ],
    ]);
  });

  it('come to no status twice where they are simple', () => {
    const [nothing, ...paths] = simplePaths();
    expect(nothing).toEqual([]);
    expect(paths).toEqual(shortestPaths().filter((path) => path.length > 0));
  });

  it('take each step from each status where they are for each step', async () => {
    const taken = stepPaths().map((path) => `${path.at(-2)?.status ?? 'absent'}: ${path.at(-1)?.step}`);
    const all = ['absent', 'running', 'paused'].flatMap((status) =>
      CLIENT_STEPS.map((step) => `${status}: ${step}`),
    );
    expect(taken.toSorted()).toEqual(all.toSorted());
    for (const path of stepPaths()) await drive(pureDriven(), path);
  });

  it.each(CLIENT_STEPS)('find out who does not take the step %s', async (deafTo) => {
    const driven = stepPaths().map(async (path) => {
      const charts = pureDriven();
      const take = async (step: ClientStep) => (step === deafTo ? undefined : charts.take(step));
      await drive({ ...charts, take }, path);
    });
    const found = (await Promise.allSettled(driven)).some(({ status }) => status === 'rejected');
    // An exec is nothing that its client sees in the status.
    expect(found).toBe(deafTo !== 'exec');
  });

  it('are kept to by the charts that they are made of', async () => {
    for (const path of allPaths(3)) await drive(pureDriven(), path);
  });

  it('are all kept to by the daemon on a simulated host', { timeout: 60_000 }, async () => {
    const coverage = new Coverage(MACHINES.container);
    const paths = allPaths(3);
    for (const path of paths) await drive(await simulatedDriven({ inspect: coverage.inspect }), path);
    process.stdout.write(`${paths.length} paths of what a client asks\n${printCoverage(coverage.report())}`);
    expect(coverage.report().states.missing.filter((id) => /steady|deleted|checkpointed/.test(id))).toEqual(
      [],
    );
  });

  it.each([
    ['half-way', 'dies', 3],
    ['at once', 'fails', 2],
    ['at its deadline', 'hangs', 2],
  ] as const)(
    'with whatever goes wrong %s, from a container on',
    { timeout: 60_000 },
    async (_, fault, length) => {
      const paths = allPaths(length + 1, HOST_STEPS).filter(([first]) => first?.step === 'create');
      for (const path of paths) await drive(await simulatedDriven({ fault }), path);
      process.stdout.write(`${paths.length} paths of what can happen to a host, ${fault}\n`);
      expect(testingPage).toContain(`${figure(paths.length)} paths`);
    },
  );

  it('part from what does something else, and say where', async () => {
    const charts = pureDriven();
    const deaf = { ...charts, take: async (step: string) => step === 'pause' || charts.take(step as never) };
    const path = shortestPaths().at(-1) ?? [];
    await expect(drive(deaf as typeof charts, path)).rejects.toThrow(
      'after create, pause it is running, not paused',
    );
  });
});
