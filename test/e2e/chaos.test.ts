import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTrace, happening } from '../chaos/happening.ts';
import { RealLife } from '../chaos/real-life.ts';

/** The same each time; npm run chaos looks for more. */
const SEED = 4;
const STEPS = 250;

describe('a real daemon, to which all happens that can', () => {
  it('says what there is, tells each start and exit once, and leaves nothing', {
    timeout: 300_000,
  }, async () => {
    const [happenings = []] = fc.sample(fc.array(happening, { minLength: STEPS, maxLength: STEPS }), {
      seed: SEED,
      numRuns: 1,
    });
    let last = 0;
    const happened = (n: number) => {
      last = n;
    };
    const wrong = await RealLife.live(happenings, { watch: { happening: happened } });
    // npm run chaos -- --replay FILE takes the trace.
    if (wrong.length > 0)
      expect.fail(`${formatTrace(happenings.slice(0, last + 1))}# ${wrong.join('\n# ')}\n`);
  });
});
