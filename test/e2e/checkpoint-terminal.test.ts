import { afterAll, beforeAll, expect, it } from 'vitest';
import { ClientTerminal } from '../linux/client-terminal.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { checkpoint } from './fixtures/checkpoint.ts';
import { type EventStream, processState, TestDaemon } from './fixtures/daemon.ts';

let bundles: Bundles;
let daemon: TestDaemon;
let events: EventStream;

beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start();
  events = await daemon.events();
});
afterAll(async () => {
  await daemon?.remove();
  await bundles?.remove();
});

it('a shell in a terminal is restored in another, with its variables, its job and the other’s size', async () => {
  const bundle = await bundles.make('shell', { terminal: true, args: ['sh'] });
  const id = `shell-${process.pid}`;
  const first = new ClientTerminal();
  const { pid } = await daemon.create(id, bundle, { console: first.path });
  await first.shows('# ');
  first.type('here=kept; sleep 1000 & echo $((1+1)) jobs-1\r');
  await first.shows('2 jobs-1');
  await checkpoint(daemon, id, 'live');
  first.type('echo $((2+1)) goes on\r');
  await first.shows('3 goes on');
  await checkpoint(daemon, id, 'end', { exit: true });
  expect((await events.exit(id, pid)).status).toBe(137);
  first.close();

  const second = new ClientTerminal({ width: 132, height: 24 });
  const again = await daemon.create(id, bundle, { checkpoint: 'end', console: second.path });
  second.type('echo is $here; jobs; stty size\r');
  await second.shows('is kept\r\n');
  await second.shows('Running                    sleep 1000\r\n');
  await second.shows('24 132\r\n');
  second.type('exit 3\r');
  expect((await events.exit(id, again.pid)).status).toBe(3);
  second.close();
});

it('a container with a terminal is restored without anybody in front of it', async () => {
  const bundle = await bundles.make('alone', { terminal: true, args: ['cat'] });
  const id = `alone-${process.pid}`;
  const screen = new ClientTerminal();
  const { pid } = await daemon.create(id, bundle, { console: screen.path });
  await checkpoint(daemon, id, 'end', { exit: true });
  await events.exit(id, pid);
  screen.close();
  const again = await daemon.create(id, bundle, { checkpoint: 'end' });
  await expect.poll(async () => (await processState(again.pid))?.letter).toBe('S');
  await daemon.signal(id, 9);
  expect((await events.exit(id, again.pid)).status).toBe(137);
});
