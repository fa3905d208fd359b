import type { TestDaemon } from '../../test/e2e/fixtures/daemon.ts';
import { medianOf, type Row } from '../row.ts';

export const inspectCost: Row = {
  name: 'inspect-cost',
  what: 'starts a second with --inspect and nobody watching, against without',
  unit: '',
  goal: 0.98,
  better: 'more',
  async measure(host) {
    const { starts, rounds } = host.options;
    const bundle = await host.bundle('sleep', '100000');
    const plain = await host.warmPair();
    const inspected = await host.warmPair(['--inspect', '127.0.0.1:0']);
    const seconds = async (daemon: TestDaemon): Promise<number> => {
      const ids = host.names(starts);
      const { seconds } = await host.startAll(daemon, ids, bundle);
      await host.endAll(daemon, ids);
      return seconds;
    };
    const measured = await medianOf(rounds, async () => {
      // The second half the other way round: a machine that gets slower does so for both.
      const [first, second] = [await seconds(plain.daemon), await seconds(inspected.daemon)];
      const [third, fourth] = [await seconds(inspected.daemon), await seconds(plain.daemon)];
      const rate = (taken: number): number => (2 * starts) / taken;
      return { ours: rate(second + third), raw: rate(first + fourth), unit: 'a second' };
    });
    await inspected.end();
    await plain.end();
    return measured;
  },
};
