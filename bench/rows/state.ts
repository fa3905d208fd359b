import { Monitor } from '../monitor.ts';
import { inPairs, median, type Pair, percentile, type Row, ratioOf } from '../row.ts';

const ASKED = 200;

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

/** Starts in a turn: a machine's own pace changes by more from one minute to the next. */
const TURN = 20;
/** Pairs of turns, until what was started in them is ended: the kernel frees it at the cost of whoever comes next. */
const PAIRS = 10;
/** How often that is done in a round. One start takes from 15 to 40 ms, as runc waits for the kernel. */
const TIMES = 4;

export const polledStart: Row = {
  name: 'polled-start',
  what: 'how much longer a start takes while State is polled at 10 Hz, with many containers',
  unit: '%',
  goal: 5,
  better: 'less',
  async measure(host) {
    const { daemon } = await host.crowd();
    const bundle = await host.bundle('sleep', '100000');
    const monitor = await Monitor.of(daemon.socketPath);
    const started: string[] = [];
    const turn = async (): Promise<number> => {
      const ids = host.names(TURN);
      started.push(...ids);
      return (await host.startAll(daemon, ids, bundle, 1)).seconds;
    };
    const pairs: Pair[] = [];
    try {
      for (let time = 0; time < host.options.rounds * TIMES; time++) {
        pairs.push(...(await inPairs(PAIRS, () => monitor.during(turn), turn)));
        await host.endAll(daemon, started.splice(0));
      }
    } finally {
      monitor.close();
    }
    const { ours, raw, ratio, error } = ratioOf(pairs);
    const ms = (seconds: number) => ((seconds / pairs.length / TURN) * 1000).toFixed(1);
    return {
      value: (ratio - 1) * 100,
      of: `± ${(error * 100).toFixed(1)}, ${ms(ours)} against ${ms(raw)} ms, ${pairs.length * TURN} starts each, ${monitor.perSecond.toFixed(1)} polls a second`,
    };
  },
};
