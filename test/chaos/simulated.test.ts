import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTrace, happening } from './happening.ts';
import { SimulatedLife } from './simulated-life.ts';

const many = fc.array(happening, { maxLength: 80, size: 'max' });

describe('whatever happens to a daemon on a simulated host', () => {
  it('it answers each request once, tells each start and exit once, says what there is, and leaves nothing', async () => {
    const found = await fc.check(
      fc.asyncProperty(many, async (all) => {
        expect(await SimulatedLife.live(all)).toEqual([]);
      }),
      { numRuns: Number(process.env.RUNS ?? 100) },
    );
    if (found.failed) {
      const trace = formatTrace(found.counterexample?.[0] ?? []);
      const wrong = await SimulatedLife.live(found.counterexample?.[0] ?? []);
      expect.fail(`seed ${found.seed}, path ${found.counterexamplePath}:\n${trace}${wrong.join('\n')}`);
    }
  });
});
