import { inPairs, PAIRS, type Row, ratesOf } from '../row.ts';

export const cycleRate: Row = {
  name: 'cycle-rate',
  what: 'start, exit, delete, event: cycles a second, against runc run and runc delete',
  unit: '',
  goal: 0.92,
  better: 'more',
  async measure(host) {
    const { starts, rounds } = host.options;
    const bundle = await host.bundle('true');
    const pair = await host.warmPair();
    const events = await pair.daemon.events({ types: ['exit'] });
    const runc = `runc --root ${host.rawRoot()}`;
    const script = `${runc} run -d --bundle ${bundle} "$1" && ${runc} delete --force "$1"`;
    const cycle = async (id: string) => {
      await host.load(pair.daemon).create(id, bundle);
      await events.exit(id);
    };
    const pairs = await inPairs(
      rounds * PAIRS,
      async () => (await host.callAll(host.names(starts), cycle)).seconds,
      () => host.xargs(host.names(starts), 6, ['sh', '-c', script, 'sh', '{}']),
    );
    events.close();
    await pair.end();
    return ratesOf(pairs, starts);
  },
};
