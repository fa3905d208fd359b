import { medianOf, type Row } from '../row.ts';

export const execRate: Row = {
  name: 'exec-rate',
  what: 'execs a second, against runc exec -d',
  unit: '',
  goal: 0.92,
  better: 'more',
  async measure(host) {
    const { starts, rounds } = host.options;
    const bundle = await host.bundle('sleep', '100000');
    const pair = await host.pair();
    const [ours = '', theirs = ''] = host.names(2);
    await pair.daemon.create(ours, bundle);
    await host.raw([theirs], 1, ['run', '-d', '--bundle', bundle, '{}']);
    await host.execAll(pair.daemon, ours, host.warmUp, 'true');
    const turns = Array.from({ length: starts }, (_, n) => String(n));
    const measured = await medianOf(rounds, async () => {
      const rawSeconds = await host.raw(turns, 6, ['exec', '-d', '--env', 'N={}', theirs, 'true']);
      const { seconds } = await host.execAll(pair.daemon, ours, starts, 'true');
      return { ours: starts / seconds, raw: starts / rawSeconds, unit: 'a second' };
    });
    await host.raw([theirs], 1, ['delete', '--force', '{}']);
    await pair.end();
    return measured;
  },
};
