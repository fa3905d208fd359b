import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { failureOf, TestDaemon } from './fixtures/daemon.ts';
import { countDescriptors } from './fixtures/host.ts';

let bundles: Bundles;
beforeAll(async () => {
  bundles = await makeBundles();
});
afterAll(() => bundles?.remove());

const unique = (name: string) => `${name}-${process.pid}`;

/** Less than a dozen reports have; what wakes its threads up the daemon writes too. */
const FEW_BYTES = 16_000;

/** Asks again until something is there. */
async function eventually<T>(ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The last report on stdout that is whole: its lines, and the values by metric and label. */
function lastReport({ stdout }: TestDaemon) {
  const end = stdout.findLastIndex((line) => line.endsWith('gauge fds')) + 2;
  const start = stdout.slice(0, end).findLastIndex((line) => line.endsWith('timer container-start-time'));
  if (start < 0 || stdout.length < end) return undefined;
  const lines = stdout.slice(start, end);
  const values = new Map<string, number>();
  let metric = '';
  for (const line of lines) {
    const [, name, label = '', value] = /^\S+ \S+ \S+ (?:\w+ (\S+)| {2}(.+?):\s+([\d.]+))$/.exec(line) ?? [];
    metric = name ?? metric;
    if (name === undefined) values.set(`${metric} ${label}`, Number(value));
  }
  return { lines, value: (name: string) => values.get(name) };
}

describe('metrics on stdout', () => {
  let daemon: TestDaemon;
  beforeAll(async () => {
    daemon = await TestDaemon.start({ flags: ['--debug', '--metrics-interval', '100ms'] });
  });
  afterAll(() => daemon?.remove());

  /** The first report in which it is so. */
  const report = (isSo: (value: (name: string) => number | undefined) => boolean) =>
    eventually(() => {
      const last = lastReport(daemon);
      return last && isSo(last.value) ? last : undefined;
    });

  it('have the original’s layout, but for the name of one', async () => {
    const seed = await readFile(new URL('../metrics/fixtures/seed.txt', import.meta.url), 'utf8');
    const { lines } = await report(() => true);
    const shape = (line: string) =>
      line
        .replace(/\d/g, '0')
        .replace(/ +0+(\.00)?$/, (value, point) => `${'.'.repeat(value.length)}${point ?? ''}`);
    expect(lines.map(shape)).toEqual(
      seed
        .trimEnd()
        .split('\n')
        .map((line) => shape(line.replace('goroutines', 'actors'))),
    );
  });

  it('tell of starts, containers, events, subscribers and actors', async () => {
    const [one, two, bad] = [unique('one'), unique('two'), unique('bad')];
    const bundle = await bundles.make('metrics');
    const events = await daemon.events();
    await Promise.all([daemon.create(one, bundle), daemon.create(two, bundle)]);
    await failureOf(daemon.create(bad, await bundles.make('bad', { args: ['no-such-program'] })));
    const running = await report((value) => value('actors value') === 5);
    expect(running.value('container-start-time count')).toBe(2);
    expect(running.value('containers count')).toBe(2);
    expect(running.value('events count')).toBe(2);
    expect(running.value('events-subscribers count')).toBe(1);
    const [min = 0, mean = 0, max = 0] = ['min', 'mean', 'max'].map((it) =>
      running.value(`container-start-time ${it}`),
    );
    expect(min).toBeGreaterThan(1e6);
    expect(mean).toBeGreaterThanOrEqual(min);
    expect(max).toBeGreaterThanOrEqual(mean);

    for (const id of [one, two]) await daemon.signal(id, 9);
    for (const id of [one, two]) await events.exit(id);
    events.close();
    const ended = await report(
      (value) => value('containers count') === 0 && value('events-subscribers count') === 0,
    );
    expect(ended.value('events count')).toBe(4);
    expect(ended.value('actors value')).toBe(1);
  });

  it('tell of the descriptors that the daemon holds', async () => {
    const held = await eventually(async () => {
      const fds = lastReport(daemon)?.value('fds value');
      return fds === (await countDescriptors(daemon.child.pid ?? 0)) ? fds : undefined;
    });
    expect(held).toBeGreaterThan(10);
  });
});

it('metrics for which a disk has no room are lost, and nothing else', async () => {
  const full = openSync('/dev/full', 'w');
  const daemon = await TestDaemon.start({
    flags: ['--debug', '--metrics-interval', '1ms'],
    stdout: full,
  });
  closeSync(full);
  try {
    // How often it has tried (proc(5): syscw).
    const tries = async () =>
      Number(/^syscw: (\d+)$/m.exec(await readFile(`/proc/${daemon.child.pid}/io`, 'utf8'))?.[1]);
    const before = await tries();
    await expect.poll(tries).toBeGreaterThan(before + 20);
    expect(await daemon.containers()).toEqual([]);
    expect(await daemon.stop()).toBe(0);
  } finally {
    daemon.child.kill('SIGKILL');
    await daemon.remove();
  }
});

it('metrics that nobody reads delay nobody, not even the end of the daemon', async () => {
  const daemon = await TestDaemon.start({ flags: ['--debug', '--metrics-interval', '1ms'] });
  try {
    daemon.child.stdout?.pause();
    // As long as there is room in the pipe, what the daemon has written (proc(5): wchar) grows by reports.
    const written: number[] = [];
    await eventually(async () => {
      const io = await readFile(`/proc/${daemon.child.pid}/io`, 'utf8');
      written.push(Number(/^wchar: (\d+)$/m.exec(io)?.[1]));
      const [before = 0, now = 0] = [written.at(-20), written.at(-1)];
      return before > 0 && now - before < FEW_BYTES ? true : undefined;
    });
    expect(await daemon.containers()).toEqual([]);
    expect(await daemon.stop()).toBe(0);
  } finally {
    daemon.child.kill('SIGKILL');
    await daemon.remove();
  }
});

it('metrics go on counting events where a former daemon ended', async () => {
  const id = unique('events');
  const first = await TestDaemon.start();
  const events = await first.events();
  await first.create(id, await bundles.make('events', { args: ['true'] }));
  await events.exit(id);
  await first.stop();
  expect(first.stdout).toEqual([]);
  const second = await TestDaemon.start({ folder: first.folder, flags: ['--debug'] });
  try {
    const report = await eventually(() => lastReport(second));
    expect(report.value('events count')).toBe(2);
  } finally {
    await second.remove();
  }
});

describe('metrics for Graphite', () => {
  const servers = new Set<Server>();
  afterAll(() => {
    for (const server of servers) server.close();
  });

  /** A server, and the lines that it gets. */
  async function listen(port = 0) {
    const lines: string[] = [];
    const server = createServer((socket) => {
      createInterface({ input: socket }).on('line', (line) => lines.push(line));
    }).listen(port, '127.0.0.1');
    servers.add(server);
    await once(server, 'listening');
    return { server, lines, port: (server.address() as AddressInfo).port };
  }

  it('are sent at every interval, and again once a server that was down is back', async () => {
    const graphite = await listen();
    const daemon = await TestDaemon.start({
      flags: [
        '--id',
        'host.1',
        '--graphite-address',
        `127.0.0.1:${graphite.port}`,
        '--metrics-interval',
        '100ms',
      ],
    });
    try {
      const fds = (line: string) => /^containerd\.host_1\.fds\.value \d+ \d{10}$/.test(line);
      await eventually(() => graphite.lines.filter(fds).length >= 3 || undefined);
      const names = new Set(
        graphite.lines.map((line) => line.split(' ')[0]?.replace('containerd.host_1.', '')),
      );
      expect([...names]).toEqual(
        expect.arrayContaining(['container-start-time.99-percentile', 'containers.count', 'actors.value']),
      );
      expect(names.size).toBe(19);

      await new Promise((resolve) => graphite.server.close(resolve));
      const said = (msg: string) => eventually(() => daemon.log.find((line) => line.msg === msg));
      await said('the metrics do not reach the Graphite server');
      const back = await listen(graphite.port);
      await eventually(() => back.lines.find(fds));
      await said('the metrics reach the Graphite server again');
      expect(daemon.log.filter(({ level }) => level >= 40)).toHaveLength(1);
      expect(daemon.stdout).toEqual([]);
    } finally {
      await daemon.remove();
    }
  });
});
