import { medianOf, type Row } from '../row.ts';

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
    const measured = await medianOf(rounds, async () => {
      const runc = `runc --root ${host.rawRoot()}`;
      const script = `${runc} run -d --bundle ${bundle} "$1" && ${runc} delete --force "$1"`;
      const rawSeconds = await host.xargs(host.names(starts), 6, ['sh', '-c', script, 'sh', '{}']);
      const raw = starts / rawSeconds;
      const { seconds } = await host.callAll(host.names(starts), async (id) => {
        await host.load(pair.daemon).create(id, bundle);
        await events.exit(id);
      });
      return { ours: starts / seconds, raw, unit: 'a second' };
    });
    events.close();
    await pair.end();
    return measured;
  },
};
