import { CLIENTS } from '../host.ts';
import { percentile, type Row } from '../row.ts';

export const startLatency: Row = {
  name: 'start-latency',
  what: `p99 of CreateContainer with ${CLIENTS} clients, against what fair turns would take`,
  unit: '',
  goal: 2,
  better: 'less',
  async measure(host) {
    const { starts } = host.options;
    const bundle = await host.bundle('sleep', '100000');
    const pair = await host.warmPair();
    const ids = host.names(starts);
    const { eachMs, seconds } = await host.startAll(pair.daemon, ids, bundle);
    await host.endAll(pair.daemon, ids);
    await pair.end();
    const [p99, turnMs] = [percentile(eachMs, 0.99), (CLIENTS * seconds * 1000) / starts];
    return { value: p99 / turnMs, of: `${p99.toFixed(0)} against ${turnMs.toFixed(0)} ms` };
  },
};
