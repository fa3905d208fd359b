import { once } from 'node:events';
import { EventsRequest } from '../../src/generated/api.ts';
import { proportionalKbOf } from '../kernel.ts';
import { median, type Row } from '../row.ts';

const SUBSCRIBERS = 1000;

export const subscribers: Row = {
  name: 'subscribers',
  what: `one event to ${SUBSCRIBERS} subscribers, half of which do not read: until the last has it`,
  unit: 'ms',
  goal: 50,
  better: 'less',
  async measure(host) {
    const { rounds } = host.options;
    const bundle = await host.bundle('sleep', '100000');
    const { daemon, daemonPid, end } = await host.pair();
    const subscribe = () => daemon.client.events(EventsRequest.fromPartial({ types: ['pause'] }));
    const readers = Array.from({ length: SUBSCRIBERS / 2 }, subscribe);
    const deaf = Array.from({ length: SUBSCRIBERS / 2 }, () => subscribe().pause());
    for (const stream of [...readers, ...deaf]) stream.on('error', () => {});
    await Promise.all([...readers, ...deaf].map((stream) => once(stream, 'metadata')));
    const beforeKb = await proportionalKbOf(daemonPid);
    const tookMs: number[] = [];
    for (const id of host.names(rounds + 1)) {
      await daemon.create(id, bundle);
      const told = Promise.all(readers.map((stream) => once(stream, 'data').then(() => performance.now())));
      const [times] = await Promise.all([told, daemon.update(id, { status: 'paused' })]);
      tookMs.push(Math.max(...times) - Math.min(...times));
    }
    const grownKb = (await proportionalKbOf(daemonPid)) - beforeKb;
    for (const stream of [...readers, ...deaf]) stream.cancel();
    await end();
    return {
      value: median(tookMs.slice(1)),
      of: `from the first to the last; the daemon grew by ${grownKb} kB`,
    };
  },
};
