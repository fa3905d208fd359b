import type { TestDaemon } from '../../test/e2e/fixtures/daemon.ts';
import { inPairs, PAIRS, type Row, ratesOf } from '../row.ts';

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
    const pairs = await inPairs(
      rounds * PAIRS,
      () => seconds(inspected),
      () => seconds(without),
    );
    await inspected.end();
    await without.end();
    return ratesOf(pairs, starts);
  },
};
