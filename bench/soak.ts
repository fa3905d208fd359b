import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { status as codes, type ServiceError } from '@grpc/grpc-js';
import { integerFlag } from '../src/cli/flags.ts';
import { createProgram } from '../src/cli/program.ts';
import { type Event, EventsRequest } from '../src/generated/api.ts';
import { makeBundles } from '../test/e2e/fixtures/bundle.ts';
import { TestDaemon } from '../test/e2e/fixtures/daemon.ts';
import { heapBytes, weighable } from '../test/e2e/fixtures/heap.ts';
import { census, shimPidOf } from '../test/e2e/fixtures/host.ts';
import { flagsOf } from './arguments.ts';
import { interruption } from './interruption.ts';

/**
 * Many short-lived containers through one daemon, each with an exit status of its own: every one has exactly one exit event
 * with its own pid and status, and at the end the host holds no more than at the start.
 *
 * Prints descriptors, zombies, mounts, cgroups and files before and after, and by how many bytes the JS heaps of the
 * daemon and of the shim grew for each container, garbage collected, once the first of them are through.
 */

const CLIENTS = 10;
const STATUSES = 200;
/** By then everything is compiled and every table has its size: the metrics look at the last thousand starts. */
const WARM_UP = 1500;
/** The heap may grow by that much for each container: a leak of anything that an actor holds is more. */
const MAX_SLOPE_BYTES = 64;

const { containers: COUNT } = flagsOf<{ containers: number }>(
  createProgram(
    'soak',
    'Make many short-lived containers, and see that none is lost and nothing left',
    (text) => process.stdout.write(text),
  ).addOption(integerFlag('--containers', 'how many', { value: 10_000, min: 1 })),
);

const interrupted = interruption();
const aborted = new Promise<never>((_, reject) =>
  interrupted.addEventListener('abort', () => reject(interrupted.reason)),
);
aborted.catch(() => {});

/** Exits as they are told, by container. */
class Exits {
  readonly #told = new Map<string, Event[]>();
  readonly #waiting = new Map<string, () => void>();

  note(event: Event): void {
    if (event.type !== 'exit') return;
    this.#told.set(event.id, [...(this.#told.get(event.id) ?? []), event]);
    this.#waiting.get(event.id)?.();
  }

  of(id: string): readonly Event[] {
    return this.#told.get(id) ?? [];
  }

  /** Rejects once it is interrupted. */
  async until(id: string): Promise<void> {
    interrupted.throwIfAborted();
    if (this.of(id).length === 0)
      await Promise.race([new Promise<void>((resolve) => this.#waiting.set(id, resolve)), aborted]);
    this.#waiting.delete(id);
  }
}

const prefix = `soak-${process.pid}-`;
const snapshots = await mkdtemp(path.join(os.tmpdir(), 'soak-heap-'));
const bundles = await makeBundles();
const daemon = await TestDaemon.start({ env: weighable(snapshots), detached: true });
const wrong: string[] = [];
const print = (line: string) => process.stdout.write(`${line}\n`);
try {
  const daemonPid = daemon.child.pid ?? 0;
  const shimPid = await shimPidOf(daemonPid);
  const bundle = await Promise.all(
    Array.from({ length: STATUSES }, (_, status) =>
      bundles.make(`exit-${status}`, { args: ['sh', '-c', `exit ${status}`] }),
    ),
  );
  const exits = new Exits();
  const stream = daemon.client.events(EventsRequest.fromPartial({}));
  stream.on('data', (event: Event) => exits.note(event));
  stream.on('error', (error: ServiceError) => {
    if (error.code !== codes.CANCELLED) throw error;
  });
  await once(stream, 'metadata');
  // Beside them there are the journal and its like, which are of bounded number and size.
  const FOLDERS = ['runc', 'containers', 'console'];
  const files = async () =>
    (
      await Promise.all(
        FOLDERS.map((folder) => readdir(path.join(daemon.stateDir, folder), { recursive: true })),
      )
    ).flat().length;
  const count = async () => ({
    ...(await census(prefix, shimPid, daemonPid, daemon.stateDir)),
    files: await files(),
  });

  const pids = new Map<string, { pid: number; status: number }>();
  let next = 0;
  const through = (end: number) => {
    const client = async () => {
      while (next < end) {
        const n = next++;
        const id = `${prefix}${n}`;
        const status = n % STATUSES;
        const { pid } = await daemon.create(id, bundle[status] ?? '');
        pids.set(id, { pid, status });
        await exits.until(id);
        if (process.stderr.isTTY && n % 50 === 0) process.stderr.write(`\r${n} of ${COUNT}`);
      }
    };
    return Promise.all(Array.from({ length: CLIENTS }, client));
  };
  const heaps = async () => ({
    daemon: await heapBytes(daemonPid, snapshots),
    shim: await heapBytes(shimPid, snapshots),
  });

  const warmUp = Math.min(WARM_UP, Math.floor(COUNT / 2));
  const before = await count();
  await through(warmUp);
  const warm = await heaps();
  const start = Date.now();
  await through(COUNT);
  const seconds = (Date.now() - start) / 1000;
  if (process.stderr.isTTY) process.stderr.write('\r');
  const end = await heaps();

  for (const [id, { pid, status }] of pids) {
    const told = exits
      .of(id)
      .map((event) => `${event.pid}/${event.status}`)
      .join(' ');
    if (told !== `${pid}/${status}`)
      wrong.push(`${id}: pid ${pid}, status ${status}, but told ${told || 'nothing'}`);
  }
  const after = await count();
  for (const [what, value] of Object.entries(after)) {
    const was = before[what as keyof typeof before];
    if (value > was) wrong.push(`${what}: ${was} before, ${value} after`);
  }
  const state = await daemon.containers();
  if (state.length > 0) wrong.push(`State lists ${state.length} containers`);

  print(`${COUNT} containers, ${((COUNT - warmUp) / seconds).toFixed(1)} a second`);
  print(`before ${JSON.stringify(before)}`);
  print(`after  ${JSON.stringify(after)}`);
  for (const program of ['daemon', 'shim'] as const) {
    const slope = (end[program] - warm[program]) / (COUNT - warmUp);
    print(
      `heap of the ${program}: ${warm[program]} bytes after ${warmUp}, ${end[program]} after ${COUNT}: ${slope.toFixed(1)} a container`,
    );
    // Of few containers, what the heap has besides is too much to tell.
    if (COUNT >= 5 * warmUp && slope > MAX_SLOPE_BYTES) wrong.push(`the heap of the ${program} grows`);
  }
  stream.cancel();
} catch (error) {
  if (!interrupted.aborted) throw error;
  wrong.push('interrupted');
} finally {
  await daemon.removeNow();
  await bundles.remove();
  await rm(snapshots, { recursive: true, force: true });
}
print(wrong.length === 0 ? 'nothing lost, nothing left' : wrong.join('\n'));
process.exitCode = wrong.length === 0 ? 0 : 1;
