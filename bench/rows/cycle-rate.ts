import { execa } from 'execa';
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
    const pair = await host.pair();
    const events = await pair.daemon.events({ types: ['exit'] });
    const measured = await medianOf(rounds, async () => {
      const { rawRoot } = host;
      const script = `runc --root ${rawRoot} run -d --bundle ${bundle} "$1" && runc --root ${rawRoot} delete --force "$1"`;
      const start = performance.now();
      await execa('xargs', ['-P', '6', '-I', '{}', 'sh', '-c', script, 'sh', '{}'], {
        input: host.names(starts).join('\n'),
        stdout: 'ignore',
        stderr: 'ignore',
      });
      const raw = (starts * 1000) / (performance.now() - start);
      const { seconds } = await host.callAll(host.names(starts), async (id) => {
        await pair.daemon.create(id, bundle);
        await events.exit(id);
      });
      return { ours: starts / seconds, raw, unit: 'a second' };
    });
    events.close();
    await pair.end();
    return measured;
  },
};
