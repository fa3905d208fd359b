import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { makeFifo } from '../src/linux/fifo.ts';
import { makeBundles } from '../test/e2e/fixtures/bundle.ts';
import { TestDaemon } from '../test/e2e/fixtures/daemon.ts';
import { shimPidOf } from '../test/e2e/fixtures/host.ts';
import { interruption } from './interruption.ts';

/**
 * Two containers print as fast as they can, one into a file and one into a FIFO that `cat` reads, while `State` is asked
 * for again and again: how long its answers take, and what daemon and shim weigh before, meanwhile and afterwards.
 *
 *   npm run bench:output [-- MEGABYTES]     500 each unless said otherwise
 */

const MEGABYTES = Number(process.argv[2] ?? 500);
const BYTES = MEGABYTES * 1024 * 1024;
const IDLE_SAMPLES = 500;
const GOAL_P99_MS = 50;
const GOAL_GROWTH_KIB = 32 * 1024;

const percentile = (sorted: number[], part: number) => sorted[Math.ceil(sorted.length * part) - 1] ?? 0;

/** The memory of a process that is in RAM (proc(5), VmRSS), in KiB. */
async function residentKib(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

type Sample = { tookMs: number; daemonKib: number; shimKib: number };

const interrupted = interruption();
const folder = await mkdtemp(path.join(os.tmpdir(), 'output-'));
const bundles = await makeBundles();
const daemon = await TestDaemon.start({ detached: true });
const daemonPid = daemon.child.pid ?? 0;
const shimPid = await shimPidOf(daemonPid);

/** Asks for State and looks at the memory, one after the other, as long as it is said to. */
async function watch(goOn: (count: number) => boolean): Promise<Sample[]> {
  const samples: Sample[] = [];
  while (goOn(samples.length)) {
    interrupted.throwIfAborted();
    const start = performance.now();
    await daemon.call('state');
    const tookMs = performance.now() - start;
    const [daemonKib, shimKib] = await Promise.all([residentKib(daemonPid), residentKib(shimPid)]);
    samples.push({ tookMs, daemonKib, shimKib });
  }
  return samples;
}

const most = (samples: Sample[], of: (sample: Sample) => number) => Math.max(...samples.map(of));

function report(name: string, samples: Sample[]): { p99: number; daemonKib: number; shimKib: number } {
  const sorted = samples.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const [p50, p99, max] = [0.5, 0.99, 1].map((part) => percentile(sorted, part));
  const [daemonKib, shimKib] = [most(samples, (it) => it.daemonKib), most(samples, (it) => it.shimKib)];
  process.stdout.write(
    `${name.padEnd(9)} ${samples.length} answers: p50 ${p50?.toFixed(1)} ms, p99 ${p99?.toFixed(1)} ms, ` +
      `max ${max?.toFixed(1)} ms; daemon ${daemonKib} KiB, shim ${shimKib} KiB at most\n`,
  );
  return { p99: p99 ?? 0, daemonKib, shimKib };
}

const wrong: string[] = [];
try {
  const bundle = await bundles.make('printer', {
    args: ['dd', 'if=/dev/zero', 'bs=1M', `count=${MEGABYTES}`],
  });
  const events = await daemon.events();
  const [file, fifo] = [path.join(folder, 'file'), path.join(folder, 'fifo')];
  await writeFile(file, '');
  makeFifo(fifo, 0o600);
  const reader = spawn('sh', ['-c', 'wc -c < "$1"', 'sh', fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(reader, 'close');
  let counted = '';
  reader.stdout.on('data', (chunk) => {
    counted += chunk;
  });

  const before = report('idle', await watch((count) => count < IDLE_SAMPLES));
  const ids = ['file', 'fifo'].map((name) => `output-${process.pid}-${name}`);
  const start = performance.now();
  let running = ids.length;
  await Promise.all(ids.map((id, n) => daemon.create(id, bundle, { stdout: n === 0 ? file : fifo })));
  for (const id of ids) void events.exit(id).then(() => running--);
  const meanwhile = report('printing', await watch(() => running > 0));
  const seconds = (performance.now() - start) / 1000;
  await closed;
  report('after', await watch((count) => count < IDLE_SAMPLES));
  process.stdout.write(`2 × ${MEGABYTES} MB in ${seconds.toFixed(1)} s\n`);

  const arrived = { file: (await stat(file)).size, fifo: Number(counted) };
  for (const [name, bytes] of Object.entries(arrived)) {
    if (bytes !== BYTES) wrong.push(`${name}: ${bytes} bytes of ${BYTES}`);
  }
  if (meanwhile.p99 > GOAL_P99_MS) wrong.push(`p99 of State is over ${GOAL_P99_MS} ms`);
  for (const name of ['daemonKib', 'shimKib'] as const) {
    const growth = meanwhile[name] - before[name];
    if (growth > GOAL_GROWTH_KIB) wrong.push(`${name} grew by ${growth}`);
  }
} catch (error) {
  if (!interrupted.aborted) throw error;
  wrong.push('interrupted');
} finally {
  await daemon.removeNow();
  await bundles.remove();
  await rm(folder, { recursive: true, force: true });
}
process.stdout.write(wrong.length === 0 ? 'nothing lost, nothing held up\n' : `${wrong.join('\n')}\n`);
process.exitCode = wrong.length === 0 ? 0 : 1;
