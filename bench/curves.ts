import { CLIENTS, type Host } from './host.ts';
import type { Panel } from './picture.ts';
import { median, percentile } from './row.ts';

/** How fast containers start, and how long a client waits for one, over how many clients and containers there are. */

/** What was found at one place of a curve: starts a second, and the time that CreateContainer took. */
export type Found = {
  at: number;
  startsPerSecond: number;
  rawPerSecond: number;
  p50Ms: number;
  p99Ms: number;
};
export type Curves = { clients: Found[]; containers: Found[] };

const CLIENT_COUNTS = [1, 2, 5, 10, 20, 50, 100];
const CONTAINER_COUNTS = [1, 10, 100, 300, 1000];
/** Each client has so many turns at least: of fewer, no hundredth is the slowest. */
const TURNS = 2;

type Load = { clients: number; at: number };

async function measureAt(
  host: Host,
  daemon: Parameters<Host['startAll']>[0],
  { clients, at }: Load,
): Promise<Found> {
  const bundle = await host.bundle('sleep', '100000');
  const starts = Math.max(host.options.starts, TURNS * clients);
  const rates: { ours: number; raw: number }[] = [];
  const tookMs: number[] = [];
  for (let round = 0; round < host.options.rounds; round++) {
    const theirs = host.names(starts);
    const raw = starts / (await host.raw(theirs, clients, ['run', '-d', '--bundle', bundle, '{}']));
    await host.raw(theirs, 4, ['delete', '--force', '{}']);
    const ids = host.names(starts);
    const { eachMs, seconds } = await host.startAll(daemon, ids, bundle, clients);
    await host.endAll(daemon, ids);
    rates.push({ ours: starts / seconds, raw });
    tookMs.push(...eachMs);
  }
  return {
    at,
    startsPerSecond: median(rates.map(({ ours }) => ours)),
    rawPerSecond: median(rates.map(({ raw }) => raw)),
    p50Ms: median(tookMs),
    p99Ms: percentile(tookMs, 0.99),
  };
}

async function overClients(host: Host, say: (what: string) => void): Promise<Found[]> {
  const found: Found[] = [];
  for (const clients of CLIENT_COUNTS) {
    say(`${clients} clients`);
    const { daemon, end } = await host.warmPair(['--concurrency', String(clients)]);
    found.push(await measureAt(host, daemon, { clients, at: clients }));
    await end();
  }
  return found;
}

async function overContainers(host: Host, say: (what: string) => void): Promise<Found[]> {
  const { crowd } = host.options;
  const bundle = await host.bundle('sleep', '100000');
  const { daemon, end } = await host.warmPair(['--concurrency', String(CLIENTS)]);
  const found: Found[] = [];
  let there = 0;
  for (const count of [...CONTAINER_COUNTS.filter((it) => it < crowd), crowd]) {
    say(`${count} containers`);
    await host.startAll(daemon, host.names(count - there), bundle);
    there = count;
    found.push(await measureAt(host, daemon, { clients: CLIENTS, at: count }));
  }
  await end();
  return found;
}

/** Measures all of it, raw runc in turns with the daemon; `say` is told where it is. */
export async function measureCurves(host: Host, say: (what: string) => void): Promise<Curves> {
  return { clients: await overClients(host, say), containers: await overContainers(host, say) };
}

/** The four panels of the picture. */
export function panelsOf({ clients, containers }: Curves): Panel[] {
  const rates = (found: Found[], parallel: string): Panel['lines'] => [
    { name: 'the daemon', look: 'main', points: found.map((it) => ({ x: it.at, y: it.startsPerSecond })) },
    {
      name: `xargs -P ${parallel} runc run -d`,
      look: 'limit',
      points: found.map((it) => ({ x: it.at, y: it.rawPerSecond })),
    },
  ];
  const times = (found: Found[]): Panel['lines'] => [
    { name: 'half of them (p50)', look: 'main', points: found.map((it) => ({ x: it.at, y: it.p50Ms })) },
    {
      name: 'all but a hundredth (p99)',
      look: 'late',
      points: found.map((it) => ({ x: it.at, y: it.p99Ms })),
    },
  ];
  const [byClients, byContainers] = ['clients at a time', `containers already there, ${CLIENTS} clients`];
  const [rate, time] = ['starts a second', 'ms'];
  return [
    { title: 'Throughput', x: byClients, y: rate, scale: 'from zero', lines: rates(clients, 'CLIENTS') },
    {
      title: 'Throughput',
      x: byContainers,
      y: rate,
      scale: 'from zero',
      lines: rates(containers, String(CLIENTS)),
    },
    { title: 'Latency of CreateContainer', x: byClients, y: time, scale: 'by tens', lines: times(clients) },
    {
      title: 'Latency of CreateContainer',
      x: byContainers,
      y: time,
      scale: 'by tens',
      lines: times(containers),
    },
  ];
}

/** The same numbers as rows of a table. */
export function tableOf({ clients, containers }: Curves): string[][] {
  const row = (what: string) => (it: Found) => [
    `${what}: ${it.at}`,
    it.startsPerSecond.toFixed(1),
    it.rawPerSecond.toFixed(1),
    it.p50Ms.toFixed(0),
    it.p99Ms.toFixed(0),
  ];
  return [
    ['', 'STARTS/S', 'RAW STARTS/S', 'P50 MS', 'P99 MS'],
    ...clients.map(row('clients')),
    ...containers.map(row('containers')),
  ];
}
