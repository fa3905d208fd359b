import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { createGraphite } from '../../src/metrics/graphite.ts';
import { graphiteLines, graphiteName } from '../../src/metrics/graphite-lines.ts';
import { seedReadings } from './seed-readings.ts';

describe('the lines for Graphite', () => {
  it('have the fields of go-metrics-graphite', () => {
    expect(
      graphiteLines('containerd.deathstar', seedReadings, new Date(1_450_266_508_999)).split('\n'),
    ).toEqual([
      'containerd.deathstar.container-start-time.count 22 1450266508',
      'containerd.deathstar.container-start-time.min 25425883 1450266508',
      'containerd.deathstar.container-start-time.max 113077691 1450266508',
      'containerd.deathstar.container-start-time.mean 68386923.27 1450266508',
      'containerd.deathstar.container-start-time.std-dev 20928453.26 1450266508',
      'containerd.deathstar.container-start-time.50-percentile 65489003.50 1450266508',
      'containerd.deathstar.container-start-time.75-percentile 82393210.50 1450266508',
      'containerd.deathstar.container-start-time.95-percentile 112267814.75 1450266508',
      'containerd.deathstar.container-start-time.99-percentile 113077691.00 1450266508',
      'containerd.deathstar.container-start-time.999-percentile 113077691.00 1450266508',
      'containerd.deathstar.container-start-time.one-minute 0.00 1450266508',
      'containerd.deathstar.container-start-time.five-minute 0.01 1450266508',
      'containerd.deathstar.container-start-time.fifteen-minute 0.01 1450266508',
      'containerd.deathstar.container-start-time.mean-rate 0.03 1450266508',
      'containerd.deathstar.containers.count 1 1450266508',
      'containerd.deathstar.events.count 87 1450266508',
      'containerd.deathstar.events-subscribers.count 2 1450266508',
      'containerd.deathstar.goroutines.value 38 1450266508',
      'containerd.deathstar.fds.value 18 1450266508',
      '',
    ]);
  });

  it('cannot be broken by a name', () => {
    expect(graphiteName('host.example org\n7')).toBe('host_example_org_7');
  });
});

describe('a Graphite server', () => {
  const open = new Set<{ close(): void }>();
  afterEach(() => {
    for (const it of open) it.close();
    open.clear();
  });

  /** A server on a port of its own, or on the one given. */
  async function serve(onConnection: (socket: Socket) => void, port = 0): Promise<Server> {
    const server = createServer(onConnection).listen(port, '127.0.0.1');
    open.add(server);
    await once(server, 'listening');
    return server;
  }
  const portOf = (server: Server) => (server.address() as AddressInfo).port;

  /** A client, and what it has told of trouble so far. */
  function client(port: number, patienceMs?: number) {
    const told: (string | undefined)[] = [];
    let wake = () => {};
    const graphite = createGraphite({
      address: `127.0.0.1:${port}`,
      onTrouble: (error) => {
        told.push(error === undefined ? undefined : ((error as NodeJS.ErrnoException).code ?? error.message));
        wake();
      },
      ...(patienceMs && { patienceMs }),
    });
    open.add(graphite);
    const next = () => new Promise<void>((resolve) => (wake = resolve));
    return { graphite, told, next };
  }

  it('gets each report whole', async () => {
    const reports: Promise<string>[] = [];
    const server = await serve((socket) => reports.push(text(socket)));
    const { graphite, told, next } = client(portOf(server));
    for (const report of ['a 1 1\n', 'a 2 2\n']) {
      const sent = next();
      graphite.send(report);
      await sent;
    }
    expect(await Promise.all(reports)).toEqual(['a 1 1\n', 'a 2 2\n']);
    expect(told).toEqual([undefined, undefined]);
  });

  it('that is down is tried again with the next report', async () => {
    const first = await serve(() => {});
    const port = portOf(first);
    await new Promise((resolve) => first.close(resolve));
    const { graphite, told, next } = client(port);
    const refused = next();
    graphite.send('a 1 1\n');
    await refused;
    const report = new Promise<string>((resolve) => {
      serve((socket) => resolve(text(socket)), port).then(() => graphite.send('a 2 2\n'));
    });
    expect(await report).toBe('a 2 2\n');
    expect(told[0]).toBe('ECONNREFUSED');
  });

  it('that does not read has one report to itself, for so long, and the others are left out', async () => {
    const sockets: Socket[] = [];
    const server = await serve((socket) => sockets.push(socket.pause()));
    const { graphite, told, next } = client(portOf(server), 300);
    const gaveUp = next();
    // More than the kernel keeps for a socket that nobody reads.
    const large = 'a 1 1\n'.repeat(4 * 2 ** 20);
    graphite.send(large);
    for (let n = 0; n < 1000; n++) graphite.send(large);
    await gaveUp;
    expect(told).toEqual([`127.0.0.1:${portOf(server)} took more than 300 ms`]);
    expect(sockets).toHaveLength(1);
    for (const socket of sockets) socket.destroy();
  });
});
