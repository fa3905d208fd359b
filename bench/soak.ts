import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { makeBundles } from '../test/e2e/fixtures/bundle.ts';
import { TestDaemon } from '../test/e2e/fixtures/daemon.ts';
import { census, shimPidOf } from '../test/e2e/fixtures/host.ts';

/**
 * Many short-lived containers, ten at a time, each with an exit status of its own: every one has exactly one exit
 * event with its own pid and status, and at the end the host holds no more than at the start.
 *
 *   npm run soak [-- COUNT]     1000 unless said otherwise
 */

const COUNT = Number(process.argv[2] ?? 1000);
const CLIENTS = 10;
const STATUSES = 200;

const prefix = `soak-${process.pid}-`;
const bundles = await makeBundles();
const daemon = await TestDaemon.start();
const wrong: string[] = [];
try {
  const daemonPid = daemon.child.pid ?? 0;
  const shimPid = await shimPidOf(daemonPid);
  const bundle = await Promise.all(
    Array.from({ length: STATUSES }, (_, status) =>
      bundles.make(`exit-${status}`, { args: ['sh', '-c', `exit ${status}`] }),
    ),
  );
  const events = await daemon.events();
  const count = () => census(prefix, shimPid, daemonPid, daemon.stateDir);
  const before = await count();

  const pids = new Map<string, { pid: number; status: number }>();
  const start = Date.now();
  let next = 0;
  const client = async () => {
    while (next < COUNT) {
      const n = next++;
      const id = `${prefix}${n}`;
      const status = n % STATUSES;
      const { pid } = await daemon.create(id, bundle[status] ?? '');
      pids.set(id, { pid, status });
      await events.exit(id);
      if (process.stderr.isTTY && n % 50 === 0) process.stderr.write(`\r${n} of ${COUNT}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const seconds = (Date.now() - start) / 1000;
  if (process.stderr.isTTY) process.stderr.write('\r');

  for (const [id, { pid, status }] of pids) {
    const exits = events.seen.filter((event) => event.id === id);
    const told = exits.map((event) => `${event.pid}/${event.status}`).join(' ');
    if (told !== `${pid}/${status}`)
      wrong.push(`${id}: pid ${pid}, status ${status}, but told ${told || 'nothing'}`);
  }
  const after = await count();
  for (const [what, value] of Object.entries(after)) {
    const was = before[what as keyof typeof before];
    if (value > was) wrong.push(`${what}: ${was} before, ${value} after`);
  }
  for (const folder of ['runc', 'containers', 'console']) {
    const left = await readdir(path.join(daemon.stateDir, folder));
    if (left.length > 0) wrong.push(`${folder}: ${left.length} left`);
  }
  const state = await daemon.containers();
  if (state.length > 0) wrong.push(`State lists ${state.length} containers`);

  process.stdout.write(
    `${COUNT} containers in ${seconds.toFixed(1)} s, ${(COUNT / seconds).toFixed(1)} a second\n`,
  );
  process.stdout.write(`before ${JSON.stringify(before)}\nafter  ${JSON.stringify(after)}\n`);
} finally {
  await daemon.remove();
  await bundles.remove();
}
process.stdout.write(wrong.length === 0 ? 'nothing lost, nothing left\n' : `${wrong.join('\n')}\n`);
process.exitCode = wrong.length === 0 ? 0 : 1;
