import path from 'node:path';
import { execa } from 'execa';
import { type Bundles, makeBundles } from '../test/e2e/fixtures/bundle.ts';
import { TestDaemon } from '../test/e2e/fixtures/daemon.ts';
import { shimPidOf } from '../test/e2e/fixtures/host.ts';
import { restart } from '../test/e2e/fixtures/restart.ts';
import { proportionalKbOf } from './kernel.ts';

/** Clients that ask at the same time, unless a row says otherwise. */
export const CLIENTS = 10;
const KILL = 9;
const WARM_STARTS = 100;

export type HostOptions = {
  /** How often a ratio is measured. */
  rounds: number;
  /** How many containers a rate is taken of. */
  starts: number;
  /** How many containers are many. */
  crowd: number;
  progress: (text: string) => void;
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
  readonly #pairs: Pair[] = [];
  #crowd: Promise<Crowd> | undefined;
  #names = 0;

  private constructor(options: HostOptions, bundles: Bundles) {
    this.options = options;
    this.#bundles = bundles;
  }

  static async open(options: HostOptions): Promise<Host> {
    return new Host(options, await makeBundles());
  }

  async close(): Promise<void> {
    for (const { daemon } of this.#pairs.splice(0)) await daemon.remove();
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

  /** A daemon of its own for a row, until `end` is called. */
  async pair(flags: string[] = []): Promise<Pair & { end: () => Promise<void> }> {
    const daemon = await TestDaemon.start({ flags });
    const daemonPid = daemon.child.pid ?? 0;
    const pair: Pair = { daemon, daemonPid, shimPid: await shimPidOf(daemonPid) };
    this.#pairs.push(pair);
    const end = async () => {
      this.#pairs.splice(this.#pairs.indexOf(pair), 1);
      await pair.daemon.remove();
    };
    return Object.assign(pair, { end });
  }

  /** A daemon with many sleeping containers, which the rows share. */
  crowd(): Promise<Crowd> {
    this.#crowd ??= this.#gather();
    return this.#crowd;
  }

  async #gather(): Promise<Crowd> {
    const pair = await this.pair();
    const bundle = await this.bundle('sleep', '100000');
    // Once warm, so that what it learns at its first starts is not counted as theirs.
    await this.startAndEnd(pair.daemon, this.names(WARM_STARTS), bundle);
    const emptyKb = await proportionalKbOf(pair.daemonPid, pair.shimPid);
    const ids = this.names(this.options.crowd);
    await this.startAll(pair.daemon, ids, bundle);
    return Object.assign(pair, { ids, emptyKb });
  }

  /** Kills the crowd's daemon and starts it again; how long it took until `State` had them all, in seconds. */
  async restartCrowd(): Promise<number> {
    const crowd = await this.crowd();
    const start = performance.now();
    const daemon = await restart(crowd.daemon);
    const { length } = await daemon.containers();
    const seconds = (performance.now() - start) / 1000;
    if (length !== crowd.ids.length) throw new Error(`${length} of ${crowd.ids.length} containers are back`);
    Object.assign(crowd, { daemon, daemonPid: daemon.child.pid });
    return seconds;
  }

  /** Calls for each item, by some clients at a time. */
  async callAll<T>(
    items: readonly T[],
    call: (item: T) => Promise<unknown>,
    clients = CLIENTS,
  ): Promise<Times> {
    const todo = items.values();
    const eachMs: number[] = [];
    const start = performance.now();
    const client = async () => {
      for (const item of todo) {
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
    return this.callAll(ids, (id) => daemon.create(id, bundle), clients);
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
  async raw(ids: string[], parallel: number, commandLine: string[], runtime = 'runc'): Promise<number> {
    const argv = ['-P', String(parallel), '-I', '{}', runtime, '--root', this.rawRoot, ...commandLine];
    const start = performance.now();
    await execa('xargs', argv, { input: ids.join('\n'), stdout: 'ignore', stderr: 'ignore' });
    return (performance.now() - start) / 1000;
  }

  /** Where the raw runcs keep their state. */
  get rawRoot(): string {
    return path.join(this.#bundles.folder, 'raw');
  }
}
