import { median, percentile, type Row } from '../row.ts';

const ASKED = 200;
const POLL_MS = 100;

export const stateLatency: Row = {
  name: 'state-latency',
  what: 'State with many containers, p50',
  unit: 'ms',
  goal: 15,
  better: 'less',
  async measure(host) {
    const { daemon } = await host.crowd();
    const { eachMs } = await host.callAll(Array(ASKED).fill(0), () => daemon.call('state'), 1);
    return { value: median(eachMs), of: `p99 ${percentile(eachMs, 0.99).toFixed(1)} ms` };
  },
};

export const polledStart: Row = {
  name: 'polled-start',
  what: 'how much longer a start takes while State is polled at 10 Hz, with many containers',
  unit: '%',
  goal: 5,
  better: 'less',
  async measure(host) {
    const { rounds } = host.options;
    const { daemon } = await host.crowd();
    const bundle = await host.bundle('sleep', '100000');
    const start = async (): Promise<number> => {
      const ids = host.names(50);
      const { eachMs } = await host.startAll(daemon, ids, bundle, 1);
      await host.endAll(daemon, ids);
      return median(eachMs);
    };
    const slower: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const alone = await start();
      const poll = setInterval(() => void daemon.call('state'), POLL_MS);
      const polled = await start();
      clearInterval(poll);
      slower.push((polled / alone - 1) * 100);
    }
    return {
      value: median(slower),
      of: `${slower.map((it) => it.toFixed(1)).join(', ')} % in ${rounds} rounds`,
    };
  },
};
