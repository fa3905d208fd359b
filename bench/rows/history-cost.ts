import { createRecorder } from '../../src/history/recorder.ts';
import { cost, makeSystem } from '../charts-alone.ts';
import { medianOf, type Row } from '../row.ts';

const WARM_UP = 5000;
const MEASURED = 1000;
const TURNS = 5;

export const historyCost: Row = {
  name: 'history-cost',
  what: 'CPU time of a start that its history takes, the charts alone',
  unit: 'ms',
  goal: 0.05,
  better: 'less',
  async measure({ options: { rounds } }) {
    const kept = await makeSystem(createRecorder().hearer);
    const none = await makeSystem();
    await cost(kept, 'kept', WARM_UP);
    await cost(none, 'none', WARM_UP);
    const measured = await medianOf(
      rounds * TURNS,
      async (turn) => {
        const ours = await cost(kept, `kept-${turn}`, MEASURED);
        return { ours, raw: await cost(none, `none-${turn}`, MEASURED), unit: 'ms' };
      },
      (ours, raw) => ours - raw,
    );
    kept.stop();
    none.stop();
    return measured;
  },
};
