import type { Row } from '../row.ts';

export const endRate: Row = {
  name: 'end-rate',
  what: 'many killed at once: ended and deleted a second, against runc delete, 4 at a time',
  unit: '',
  goal: 1,
  better: 'more',
  async measure(host) {
    const { crowd } = host.options;
    const bundle = await host.bundle('sleep', '100000');
    const [pair, ids, theirs] = [await host.pair(), host.names(crowd), host.names(crowd)];
    await host.startAll(pair.daemon, ids, bundle);
    const seconds = await host.endAll(pair.daemon, ids);
    await pair.end();
    await host.raw(theirs, 6, ['run', '-d', '--bundle', bundle, '{}']);
    await host.raw(theirs, 4, ['kill', '{}', 'KILL']);
    const rawSeconds = await host.raw(theirs, 4, ['delete', '{}']);
    const [rate, rawRate] = [crowd / seconds, crowd / rawSeconds];
    return { value: rate / rawRate, of: `${rate.toFixed(1)} against ${rawRate.toFixed(1)} a second` };
  },
};
