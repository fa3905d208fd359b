import { cost, makeSystem } from '../charts-alone.ts';
import { medianOf, type Row } from '../row.ts';

const FEW = 100;
const MANY = 10_000;
const MEASURED = 2000;

export const manyContainers: Row = {
  name: 'many-containers',
  what: `what a start costs at ${MANY} containers against at ${FEW}, the runtime simulated`,
  unit: '',
  goal: 1.2,
  better: 'less',
  async measure({ options: { rounds } }) {
    const many = await makeSystem();
    await cost(many, 'many', MANY);
    // In turns, each time among as few as before; V8 has seen the code 10,000 times by then.
    const measured = await medianOf(rounds, async (round) => {
      const few = await makeSystem();
      await cost(few, 'few', FEW);
      const atFew = await cost(few, 'at-few', MEASURED);
      few.stop();
      return { ours: await cost(many, `at-many-${round}`, MEASURED), raw: atFew, unit: 'ms' };
    });
    many.stop();
    return measured;
  },
};
