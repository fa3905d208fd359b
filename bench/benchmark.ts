import path from 'node:path';
import { DEFAULT_ADDRESS, parseAddress } from '../src/cli/address.ts';
import { integerFlag, nameFlag, valueFlag } from '../src/cli/flags.ts';
import { complaintOf, createProgram } from '../src/cli/program.ts';
import { connect, type Daemon, Refusal } from '../src/ctr/daemon.ts';
import { CreateContainerRequest, type Event, EventsRequest } from '../src/generated/api.ts';
import { KILL } from '../src/machines/messages.ts';
import { stampOf } from '../src/metrics/layout.ts';
import { type Statistics, statisticsOf } from '../src/metrics/statistics.ts';
import { interruption } from './interruption.ts';

/**
 * The original's benchmark: starts many containers of one bundle in any daemon, by a hundred clients on one
 * connection, and prints how many seconds it took; then, in the layout of the original's README, how long a start
 * took its client. The containers are killed at the end, and when it is interrupted.
 *
 *   npm run benchmark -- --count 1000 --bundle /containers/redis --addr /run/containerd/containerd.sock
 */

const WORKERS = 100;

type Flags = { count: number; bundle: string; addr: string };

/** What the command line asks for, or undefined where it has been answered. */
function readFlags(): Flags | undefined {
  // npm runs it in the repository's folder; paths are meant from where npm was called.
  if (process.env.INIT_CWD !== undefined) process.chdir(process.env.INIT_CWD);
  const program = createProgram(
    'benchmark',
    'Run containers in containerd and print how long it took',
    (text) => process.stdout.write(text),
  )
    .addOption(integerFlag('--count', 'number of containers to run', { value: 1000, min: 1 }))
    .addOption(nameFlag('--bundle', 'the bundle path', '/containers/redis'))
    .addOption(
      valueFlag(
        '--addr',
        'address to the containerd instance',
        { value: DEFAULT_ADDRESS, shown: DEFAULT_ADDRESS },
        parseAddress,
      ),
    );
  try {
    return program.parse().opts<Flags>();
  } catch (thrown) {
    const complaint = complaintOf(thrown);
    if (complaint === undefined) return undefined;
    complain(complaint);
  }
}

function complain(text: string): void {
  process.stderr.write(`[benchmark] ${text}\n`);
  process.exitCode = 1;
}

/** Starts the containers of these ids, until it is interrupted; gives how long each start took, in milliseconds. */
async function startAll(
  daemon: Daemon,
  ids: string[],
  bundlePath: string,
  interrupted: AbortSignal,
): Promise<number[]> {
  const tookMs: number[] = [];
  const todo = ids.values();
  const worker = async () => {
    for (const id of todo) {
      if (interrupted.aborted) return;
      const start = performance.now();
      try {
        const request = CreateContainerRequest.fromPartial({ id, bundlePath });
        await daemon.ask(daemon.client.createContainer, request, { patient: true });
        tookMs.push(performance.now() - start);
      } catch (error) {
        complain(`${id}: ${error instanceof Error ? error.message : error}`);
      }
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  return tookMs;
}

/** Kills those of our containers that are still there, and waits until they have ended. */
async function killAll(daemon: Daemon, ids: string[]): Promise<void> {
  const events = await daemon.events(EventsRequest.fromPartial({ types: ['exit'] }));
  const ours = new Set(ids);
  const { containers } = await daemon.ask(daemon.client.state, {});
  const inits = new Map(
    containers.filter(({ id }) => ours.has(id)).map((it) => [it.id, it.processes[0]?.pid ?? 0]),
  );
  const waiting = new Set(inits.keys());
  const ended = new Promise<void>((resolve, reject) => {
    events.on('error', reject);
    events.on('data', ({ id, pid }: Event) => {
      if (inits.get(id) === pid) waiting.delete(id);
      if (waiting.size === 0) resolve();
    });
    if (waiting.size === 0) resolve();
  });
  // A daemon that goes away fails what is asked of it as well.
  ended.catch(() => {});
  for (const id of [...waiting]) {
    try {
      await daemon.ask(daemon.client.signal, { id, pid: 0, signal: KILL });
    } catch (error) {
      // It has ended by itself: its event is on its way, or here.
      if (!(error instanceof Refusal && ['NOT_FOUND', 'FAILED_PRECONDITION'].includes(error.status)))
        throw error;
    }
  }
  await ended;
  events.on('error', () => {}).cancel();
}

const LABEL_WIDTH = 15;
const VALUE_WIDTH = 5;

/** As the original's README shows start times: whole milliseconds, every value ending in one column. */
function linesOf(count: number, statistics: Statistics): string[] {
  const { min, max, mean, stddev, median, p75, p95, p99, p999 } = statistics;
  const times = { min, max, mean, stddev, median, '75%': p75, '95%': p95, '99%': p99, '99.9%': p999 };
  const rows = [
    ['count', String(count)],
    ...Object.entries(times).map(([label, ms]) => [label, `${Math.round(ms)}ms`]),
  ];
  const width = Math.max(VALUE_WIDTH, ...rows.map(([, value = '']) => value.length));
  return rows.map(([label, value = '']) => `  ${label}:`.padEnd(LABEL_WIDTH) + value.padStart(width));
}

async function benchmark({ count, bundle, addr }: Flags): Promise<void> {
  const interrupted = interruption();
  interrupted.addEventListener('abort', () => {
    process.exitCode = 1;
  });
  // Numbers as the original's, but so that two benchmarks, and containers of other people, do not meet.
  const ids = Array.from({ length: count }, (_, n) => `${process.pid}-${n}`);
  const daemon = connect(addr, () => {});
  try {
    const start = performance.now();
    const tookMs = await startAll(daemon, ids, path.resolve(bundle), interrupted);
    const seconds = (performance.now() - start) / 1000;
    const sorted = tookMs.sort((a, b) => a - b);
    const lines = [`${sorted.length} containers in ${seconds.toFixed(2)} seconds`];
    if (sorted.length > 0) lines.push(...linesOf(sorted.length, statisticsOf(sorted)));
    const stamp = stampOf(new Date());
    process.stdout.write(lines.map((line) => `${stamp}${line}\n`).join(''));
    await killAll(daemon, ids);
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
  } finally {
    daemon.close();
  }
}

const flags = readFlags();
if (flags !== undefined) await benchmark(flags);
