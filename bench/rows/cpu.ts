import { setTimeout } from 'node:timers/promises';
import type { Host } from '../host.ts';
import { cpuMsOf } from '../kernel.ts';
import { PAIRS, type Row } from '../row.ts';

/** V8 collects what the starts have left once nothing has happened for a while: 100 s at the latest, by its memory reducer. */
const COLLECTED_SECONDS = 120;
const IDLE_SECONDS = 120;
const STATS_WARM_UP_SECONDS = 25;
const STATS_SECONDS = 20;

const sleep = (seconds: number, { options: { interrupted } }: Host): Promise<void> =>
  setTimeout(seconds * 1000, undefined, { signal: interrupted });

export const ownCpu: Row = {
  name: 'own-cpu',
  what: 'CPU time of daemon and shim for a start, without runc',
  unit: 'ms',
  goal: 2.5,
  better: 'less',
  async measure(host) {
    const { starts, rounds } = host.options;
    const bundle = await host.bundle('sleep', '100000');
    const pair = await host.warmPair();
    const turns = rounds * PAIRS;
    let [daemonMs, shimMs] = [0, 0];
    for (let turn = 0; turn < turns; turn++) {
      const ids = host.names(starts);
      const before = [cpuMsOf(pair.daemonPid), cpuMsOf(pair.shimPid)] as const;
      await host.startAll(pair.daemon, ids, bundle);
      daemonMs += (cpuMsOf(pair.daemonPid) - before[0]) / starts / turns;
      shimMs += (cpuMsOf(pair.shimPid) - before[1]) / starts / turns;
      await host.endAll(pair.daemon, ids);
    }
    await pair.end();
    const of = `daemon ${daemonMs.toFixed(2)}, shim ${shimMs.toFixed(2)}, ${turns * starts} starts`;
    return { value: daemonMs + shimMs, of };
  },
};

export const idleCpu: Row = {
  name: 'idle-cpu',
  what: 'CPU of daemon and shim with many idle containers, of a core',
  unit: '%',
  goal: 0.2,
  better: 'less',
  async measure(host) {
    const { daemonPid, shimPid, ids } = await host.crowd();
    await sleep(COLLECTED_SECONDS, host);
    const before = cpuMsOf(daemonPid, shimPid);
    await sleep(IDLE_SECONDS, host);
    const ms = cpuMsOf(daemonPid, shimPid) - before;
    return {
      value: (ms / (IDLE_SECONDS * 1000)) * 100,
      of: `${ms.toFixed(1)} ms in ${IDLE_SECONDS} s, ${ids.length} containers`,
    };
  },
};

export const statsCpu: Row = {
  name: 'stats-cpu',
  what: 'CPU of the daemon that tells the stats of many containers each second, of a core',
  unit: '%',
  goal: 10,
  better: 'less',
  async measure(host) {
    const { daemon, daemonPid, ids } = await host.crowd();
    let samples = 0;
    const streams = ids.map((id) =>
      daemon.client
        .getStats({ id })
        .on('data', () => samples++)
        .on('error', () => {}),
    );
    // V8 compiles what is called often, for some time.
    await sleep(STATS_WARM_UP_SECONDS, host);
    const [before, samplesBefore] = [cpuMsOf(daemonPid), samples];
    await sleep(STATS_SECONDS, host);
    const [ms, told] = [cpuMsOf(daemonPid) - before, samples - samplesBefore];
    for (const stream of streams) stream.cancel();
    return { value: (ms / (STATS_SECONDS * 1000)) * 100, of: `${told} samples in ${STATS_SECONDS} s` };
  },
};
