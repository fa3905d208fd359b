import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { type Bundles, makeBundles } from '../test/e2e/fixtures/bundle.ts';
import { TestDaemon } from '../test/e2e/fixtures/daemon.ts';
import { shimPidOf } from '../test/e2e/fixtures/host.ts';
import { crash } from '../test/e2e/fixtures/restart.ts';
import { killAlone, proportionalKbOf, settled } from './kernel.ts';
import { LoadClient } from './load-client.ts';

/** Clients that ask at the same time, unless a row says otherwise. */
export const CLIENTS = 10;
const KILL = 9;
/** How often as many starts as are measured come before them: V8 compiles for the first 1,500 or so. */
const WARM_UP = 16;

export type HostOptions = {
  /** How often a ratio is measured. */
  rounds: number;
  /** How many containers a rate is taken of. */
  starts: number;
  /** How many containers are many. */
  crowd: number;
  progress: (text: string) => void;
  /** Once it is aborted, whatever is under way fails soon. */
  interrupted: AbortSignal;
};

/** A daemon with its shim. */
export type Pair = { daemon: TestDaemon; daemonPid: number; shimPid: number };

/** Many sleeping containers, and what daemon and shim weighed before they came. */
export type Crowd = Pair & { ids: string[]; emptyKb: number };

/** How long each call took its client, in milliseconds, and all of them together, in seconds. */
export type Times = { eachMs: number[]; seconds: number };

/** A machine to measure on: bundles, daemons, raw runcs, and what is shared between rows. */
export class Host {
  readonly options: HostOptions;
  readonly #bundles: Bundles;
  /** Each with what the load on it comes from. */
  readonly #daemons = new Map<TestDaemon, LoadClient>();
  #crowd: Promise<Crowd> | undefined;
  #names = 0;

  private constructor(options: HostOptions, bundles: Bundles) {
    this.options = options;
    this.#bundles = bundles;
  }

  static async open(options: HostOptions): Promise<Host> {
    return new Host(options, await makeBundles());
  }

  /** Ends whatever has been started here; nothing of it is under way any more. */
  async close(): Promise<void> {
    for (const daemon of this.#daemons.keys()) await this.end(daemon);
    for (const runtime of await readdir(this.#rawRoots).catch((): string[] => [])) {
      for (const id of await readdir(this.rawRoot(runtime)))
        await execa(runtime, ['--root', this.rawRoot(runtime), 'delete', '--force', id], { reject: false });
    }
    await this.#bundles.remove();
  }

  /** The bundle of a program, in namespaces of its own for pids, IPC, host name and mounts. */
  bundle(...args: string[]): Promise<string> {
    const name = args.join('-').replaceAll(/[^\w-]/g, '_');
    return this.#bundles.make(name, { args });
  }

  /** Ids that nobody else has. */
  names(count: number): string[] {
    const first = this.#names;
    this.#names += count;
    return Array.from({ length: count }, (_, n) => `bench-${process.pid}-${first + n}`);
  }

  /** A daemon, until `end` or `close` is called. */
  async daemon(options: { flags?: string[]; folder?: string } = {}): Promise<TestDaemon> {
    this.options.interrupted.throwIfAborted();
    const daemon = await TestDaemon.start({ ...options, detached: true });
    this.#daemons.set(daemon, new LoadClient(daemon.socketPath));
    return daemon;
  }

  async end(daemon: TestDaemon): Promise<void> {
    this.load(daemon).close();
    await daemon.removeNow();
    this.#daemons.delete(daemon);
  }

  /** What the load on a daemon comes from. */
  load(daemon: TestDaemon): LoadClient {
    const client = this.#daemons.get(daemon);
    if (client === undefined) throw new Error('that daemon has ended');
    return client;
  }

  /** A daemon of its own for a row, until `end` is called. */
  async pair(flags: string[] = []): Promise<Pair & { end: () => Promise<void> }> {
    const daemon = await this.daemon({ flags });
    const daemonPid = daemon.child.pid ?? 0;
    const shimPid = await shimPidOf(daemonPid);
    return { daemon, daemonPid, shimPid, end: () => this.end(daemon) };
  }

  /** The same, once V8 has compiled what a start takes, as it has of a daemon that has been there for a while. */
  async warmPair(flags: string[] = []): Promise<Pair & { end: () => Promise<void> }> {
    const pair = await this.pair(flags);
    const ids = this.names(this.warmUp);
    await this.startAndEnd(pair.daemon, ids, await this.bundle('sleep', '100000'));
    return pair;
  }

  /** A daemon with many sleeping containers, which the rows share. */
  crowd(): Promise<Crowd> {
    this.#crowd ??= this.#gather();
    return this.#crowd;
  }

  async #gather(): Promise<Crowd> {
    const pair = await this.pair();
    const bundle = await this.bundle('sleep', '100000');
    await this.startAndEnd(pair.daemon, this.names(this.options.starts), bundle);
    const emptyKb = await proportionalKbOf(pair.daemonPid, pair.shimPid);
    const ids = this.names(this.options.crowd);
    await this.startAll(pair.daemon, ids, bundle);
    return Object.assign(pair, { ids, emptyKb });
  }

  /** Kills the crowd's daemon and starts it again; how long it took until `State` had them all, in seconds. */
  async restartCrowd(): Promise<number> {
    const crowd = await this.crowd();
    const start = performance.now();
    await crash(crowd.daemon);
    const daemon = await this.daemon({ folder: crowd.daemon.folder });
    this.load(crowd.daemon).close();
    this.#daemons.delete(crowd.daemon);
    const { length } = await daemon.containers();
    const seconds = (performance.now() - start) / 1000;
    if (length !== crowd.ids.length) throw new Error(`${length} of ${crowd.ids.length} containers are back`);
    Object.assign(crowd, { daemon, daemonPid: daemon.child.pid });
    return seconds;
  }

  /** Calls for each item, by some clients at a time, on a machine that does nothing else. */
  async callAll<T>(
    items: readonly T[],
    call: (item: T) => Promise<unknown>,
    clients = CLIENTS,
  ): Promise<Times> {
    await settled();
    const todo = items.values();
    const eachMs: number[] = [];
    const start = performance.now();
    const client = async () => {
      for (const item of todo) {
        this.options.interrupted.throwIfAborted();
        const asked = performance.now();
        await call(item);
        eachMs.push(performance.now() - asked);
        if (eachMs.length % 50 === 0) this.options.progress(`${eachMs.length} of ${items.length}`);
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
    return { eachMs, seconds: (performance.now() - start) / 1000 };
  }

  startAll(daemon: TestDaemon, ids: string[], bundle: string, clients = CLIENTS): Promise<Times> {
    return this.callAll(ids, (id) => this.load(daemon).create(id, bundle), clients);
  }

  /** Runs a program so many times in a container. */
  execAll(daemon: TestDaemon, id: string, times: number, ...args: string[]): Promise<Times> {
    return this.callAll(Array(times).fill(id), () => this.load(daemon).exec(id, args));
  }

  /** So many starts, or whatever is measured, as it takes until V8 has compiled all of it. */
  get warmUp(): number {
    return WARM_UP * this.options.starts;
  }

  /** Kills them all at once; how long it took until the exit of the last was told, in seconds. */
  async endAll(daemon: TestDaemon, ids: string[]): Promise<number> {
    const events = await daemon.events({ types: ['exit'] });
    const waiting = new Set(ids);
    const start = performance.now();
    const ended = events.next(({ id }) => waiting.delete(id) && waiting.size === 0);
    await Promise.all(ids.map((id) => daemon.signal(id, KILL)));
    await ended;
    events.close();
    return (performance.now() - start) / 1000;
  }

  async startAndEnd(daemon: TestDaemon, ids: string[], bundle: string): Promise<void> {
    await this.startAll(daemon, ids, bundle);
    await this.endAll(daemon, ids);
  }

  /** Runs a command line of runc for each id, some at a time; in seconds. */
  raw(ids: string[], parallel: number, commandLine: string[], runtime = 'runc'): Promise<number> {
    return this.xargs(ids, parallel, [runtime, '--root', this.rawRoot(runtime), ...commandLine]);
  }

  /** Runs a command line for each id, which stands for `{}` in it, some at a time; in seconds. */
  async xargs(ids: string[], parallel: number, commandLine: string[]): Promise<number> {
    const { interrupted } = this.options;
    await settled();
    interrupted.throwIfAborted();
    const start = performance.now();
    // In a group of its own, so that Ctrl-C does not end a runtime in the middle of its work.
    const xargs = execa('xargs', ['-P', String(parallel), '-I', '{}', ...commandLine], {
      input: ids.join('\n'),
      stdout: 'ignore',
      stderr: 'ignore',
      detached: true,
      reject: false,
    });
    let killed: Promise<void> | undefined;
    const kill = () => {
      killed = killAlone(xargs.pid);
      // It is waited for once xargs has ended.
      killed.catch(() => {});
    };
    interrupted.addEventListener('abort', kill, { once: true });
    const { failed, shortMessage } = await xargs;
    interrupted.removeEventListener('abort', kill);
    await killed;
    interrupted.throwIfAborted();
    if (failed) throw new Error(shortMessage);
    return (performance.now() - start) / 1000;
  }

  /** Where the raw runtimes of a kind keep their state. */
  rawRoot(runtime = 'runc'): string {
    return path.join(this.#rawRoots, runtime);
  }

  get #rawRoots(): string {
    return path.join(this.#bundles.folder, 'raw');
  }
}
