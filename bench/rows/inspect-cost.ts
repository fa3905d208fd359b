import type { TestDaemon } from '../../test/e2e/fixtures/daemon.ts';
import { type Row, ratioOf } from '../row.ts';

/** Pairs of turns in a round: one turn alone says 10 % more or less. */
const PAIRS = 4;

export const inspectCost: Row = {
  name: 'inspect-cost',
  what: 'starts a second with --inspect and nobody watching, against without',
  unit: '',
  goal: 0.98,
  better: 'more',
  async measure(host) {
    const { starts, rounds } = host.options;
    const bundle = await host.bundle('sleep', '100000');
    const without = await host.warmPair();
    const inspected = await host.warmPair(['--inspect', '127.0.0.1:0']);
    const seconds = async ({ daemon }: { daemon: TestDaemon }): Promise<number> => {
      const ids = host.names(starts);
      const { seconds } = await host.startAll(daemon, ids, bundle);
      await host.endAll(daemon, ids);
      return seconds;
    };
    const pairs: { ours: number; raw: number }[] = [];
    for (let pair = 0; pair < rounds * PAIRS; pair += 2) {
      pairs.push({ ours: await seconds(without), raw: await seconds(inspected) });
      // The second pair the other way round: a machine that gets slower does so for both.
      pairs.push({ raw: await seconds(inspected), ours: await seconds(without) });
    }
    await inspected.end();
    await without.end();
    const { ours, raw, ratio, error } = ratioOf(pairs);
    const rate = (taken: number): string => ((pairs.length * starts) / taken).toPrecision(3);
    return { value: ratio, of: `± ${error.toFixed(2)}, ${rate(raw)} against ${rate(ours)} a second` };
  },
};
