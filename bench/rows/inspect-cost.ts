import type { TestDaemon } from '../../test/e2e/fixtures/daemon.ts';
import type { Host } from '../host.ts';
import { type Measured, medianOf, type Row } from '../row.ts';

/** The starts a second of a daemon with some flags, against one with others. */
async function startsAgainst(host: Host, flags: string[], others: string[]): Promise<Measured> {
  const { starts, rounds } = host.options;
  const bundle = await host.bundle('sleep', '100000');
  const other = await host.warmPair(others);
  const one = await host.warmPair(flags);
  const seconds = async (daemon: TestDaemon): Promise<number> => {
    const ids = host.names(starts);
    const { seconds } = await host.startAll(daemon, ids, bundle);
    await host.endAll(daemon, ids);
    return seconds;
  };
  const measured = await medianOf(rounds, async () => {
    // The second half the other way round: a machine that gets slower does so for both.
    const [first, second] = [await seconds(other.daemon), await seconds(one.daemon)];
    const [third, fourth] = [await seconds(one.daemon), await seconds(other.daemon)];
    const rate = (taken: number): number => (2 * starts) / taken;
    return { ours: rate(second + third), raw: rate(first + fourth), unit: 'a second' };
  });
  await one.end();
  await other.end();
  return measured;
}

export const inspectCost: Row = {
  name: 'inspect-cost',
  what: 'starts a second with --inspect and nobody watching, against without',
  unit: '',
  goal: 0.98,
  better: 'more',
  measure: (host) => startsAgainst(host, ['--inspect', '127.0.0.1:0'], []),
};
