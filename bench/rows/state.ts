import { median, percentile, type Row } from '../row.ts';

const ASKED = 200;
const POLL_MS = 100;
const TURN = 10;
const TURNS = 6;

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
    const startSome = async (): Promise<number[]> => {
      const ids = host.names(TURN);
      const { eachMs } = await host.startAll(daemon, ids, bundle, 1);
      await host.endAll(daemon, ids);
      return eachMs;
    };
    const [alone, polled]: [number[], number[]] = [[], []];
    // In short turns: a machine's own pace changes by more from one minute to the next.
    for (let turn = 0; turn < rounds * TURNS; turn++) {
      alone.push(...(await startSome()));
      const poll = setInterval(() => void daemon.call('state'), POLL_MS);
      polled.push(...(await startSome()));
      clearInterval(poll);
    }
    return {
      value: (median(polled) / median(alone) - 1) * 100,
      of: `${median(polled).toFixed(1)} against ${median(alone).toFixed(1)} ms, ${alone.length} starts each`,
    };
  },
};
