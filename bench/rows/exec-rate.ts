import { inPairs, PAIRS, type Row, ratesOf } from '../row.ts';

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
    const pairs = await inPairs(
      rounds * PAIRS,
      async () => (await host.execAll(pair.daemon, ours, starts, 'true')).seconds,
      () => host.raw(turns, 6, ['exec', '-d', '--env', 'N={}', theirs, 'true']),
    );
    await host.raw([theirs], 1, ['delete', '--force', '{}']);
    await pair.end();
    return ratesOf(pairs, starts);
  },
};
