import { afterAll, describe, expect, it } from 'vitest';
import { MACHINES } from '../../src/charts/charts.ts';
import { Coverage, printCoverage } from '../../src/testing/coverage.ts';
import { Comparisons } from './fixtures/kernel-witness.ts';
import { Stages } from './fixtures/transition-stage.ts';
import type { Found } from './fixtures/watched-host.ts';
import { askingIt } from './transitions/at-rest.ts';
import { endingIt } from './transitions/ending.ts';
import { startingIt } from './transitions/starting.ts';
import { whatIsUnderWay } from './transitions/under-way.ts';

/** Transitions that no real machine takes, by their ids, and why: there are none. */
const UNREACHABLE: Record<string, string> = {};

/** Transitions after which the kernel cannot be asked before the chart is elsewhere, and why: there are none. */
const NOT_COMPARED: Record<string, string> = {};

const found: Found = { coverage: new Coverage(MACHINES.container), comparisons: new Comparisons() };
const stages = new Stages(found);
afterAll(() => stages.remove());

describe.sequential('each transition of a container, with the kernel as its witness', () => {
  startingIt(stages);
  askingIt(stages);
  whatIsUnderWay(stages);
  endingIt(stages);

  it('leaves none out', () => {
    const report = found.coverage.report();
    process.stdout.write(printCoverage(report));
    expect(report.transitions.missing).toEqual(Object.keys(UNREACHABLE));
  });

  it('has a witness that contradicts', () =>
    stages.on(async ({ host, id }) => {
      await host.runc('pause', id);
      await expect(host.comesTo(id, 'running.steady')).rejects.toThrow(
        `${id} is in running.steady, of which the kernel should show running, not paused`,
      );
      await host.runc('resume', id);
      await host.comesTo(id, 'running.steady');
    }));

  it('is compared with what the kernel shows after each', () => {
    const { comparisons, coverage } = found;
    process.stdout.write(`${comparisons}\n`);
    const { all } = coverage.report().transitions;
    expect(all.filter((id) => !comparisons.transitions.has(id))).toEqual(Object.keys(NOT_COMPARED));
  });
});
