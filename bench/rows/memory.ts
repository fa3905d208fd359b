import { proportionalKbOf } from '../kernel.ts';
import type { Row } from '../row.ts';

export const memoryPerContainer: Row = {
  name: 'memory-per-container',
  what: 'memory of daemon and shim for each container that runs',
  unit: 'kB',
  goal: 40,
  better: 'less',
  async measure(host) {
    const { daemonPid, shimPid, ids, emptyKb } = await host.crowd();
    const fullKb = await proportionalKbOf(daemonPid, shimPid);
    return { value: (fullKb - emptyKb) / ids.length, of: `${ids.length} containers: ${fullKb - emptyKb} kB` };
  },
};

export const baseMemory: Row = {
  name: 'base-memory',
  what: 'memory of an idle daemon and its shim',
  unit: 'MB',
  goal: 75,
  better: 'less',
  async measure(host) {
    const pair = await host.pair();
    const [daemonKb, shimKb] = [await proportionalKbOf(pair.daemonPid), await proportionalKbOf(pair.shimPid)];
    await pair.end();
    const mb = (kb: number) => kb / 1024;
    return {
      value: mb(daemonKb + shimKb),
      of: `daemon ${mb(daemonKb).toFixed(0)}, shim ${mb(shimKb).toFixed(0)}`,
    };
  },
};
