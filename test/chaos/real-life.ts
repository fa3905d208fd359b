import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Bundles, makeBundles } from '../e2e/fixtures/bundle.ts';
import { TestDaemon } from '../e2e/fixtures/daemon.ts';
import { cgroupsNamed, childrenOf } from '../e2e/fixtures/host.ts';
import { killWhere } from '../e2e/fixtures/kill-where.ts';
import { again, crash, journalOf } from '../e2e/fixtures/restart.ts';
import { until } from '../e2e/fixtures/until.ts';
import { isIn, said, shimOf, there } from './container-world.ts';
import { type FaultyRuntime, makeFaultyRuntime } from './faulty-runtime.ts';
import { CONTAINERS, type Happening, type Watch } from './happening.ts';
import { type Started, wrongWithJournal } from './journal.ts';

const KILL = 9;
const PATIENCE_MS = 60_000;
/** How long a step of what is under way may be waited for. */
const STEP_MS = 20;
const ENDS_ON_TERM = ['sh', '-c', 'trap "exit 5" TERM; while :; do sleep 0.1; done'];

export type RealOptions = {
  watch?: Watch;
  /** Once it is aborted, nothing more happens, and what is there is ended at once. */
  interrupted?: AbortSignal;
};

let lives = 0;
const pick = <T>(all: readonly T[], at: number): T | undefined => all[at % Math.max(all.length, 1)];

/** Real daemons, one after the other, on one state dir, with real containers. */
export class RealLife {
  readonly #prefix = `chaos-${process.pid}-${++lives}-`;
  readonly #folder: string;
  readonly #bundles: Bundles;
  readonly #bundleOf: readonly string[];
  readonly #runtime: FaultyRuntime;
  readonly #interrupted: AbortSignal;
  readonly #open = new Set<Promise<void>>();
  readonly #started: Started[] = [];
  readonly #wrong: string[] = [];
  #daemon: TestDaemon;

  private constructor(
    folder: string,
    { bundles, bundleOf }: { bundles: Bundles; bundleOf: readonly string[] },
    { runtime, daemon }: { runtime: FaultyRuntime; daemon: TestDaemon },
    interrupted: AbortSignal,
  ) {
    this.#folder = folder;
    this.#bundles = bundles;
    this.#bundleOf = bundleOf;
    this.#runtime = runtime;
    this.#daemon = daemon;
    this.#interrupted = interrupted;
  }

  static async start(interrupted: AbortSignal): Promise<RealLife> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'chaos-'));
    const bundles = await makeBundles();
    const bundleOf = await Promise.all(
      Array.from({ length: CONTAINERS }, (_, n) => bundles.make(`chaos-${n}`, { args: ENDS_ON_TERM })),
    );
    const runtime = await makeFaultyRuntime(folder);
    const daemon = await TestDaemon.start({ flags: flagsOf(runtime), detached: true });
    return new RealLife(folder, { bundles, bundleOf }, { runtime, daemon }, interrupted);
  }

  /** Lets all of it happen, then ends what is left; gives what was wrong, which is nothing where it was interrupted. */
  static async live(
    happenings: readonly Happening[],
    { watch, interrupted = new AbortController().signal }: RealOptions = {},
  ): Promise<string[]> {
    const life = await RealLife.start(interrupted);
    try {
      for (const [n, happening] of happenings.entries()) {
        interrupted.throwIfAborted();
        watch?.happening?.(n);
        await life.let(happening);
        if (life.#wrong.length > 0) break;
      }
      if (life.#wrong.length === 0) {
        watch?.ending?.();
        await life.#end();
      }
    } catch (error) {
      if (interrupted.aborted) return [];
      life.#wrong.push(String(error));
    } finally {
      await life.#remove();
    }
    return life.#wrong;
  }

  async let(happening: Happening): Promise<void> {
    switch (happening.do) {
      case 'go':
        await Promise.race([...this.#open, setTimeout(STEP_MS * happening.steps)]);
        return;
      case 'pass':
      case 'cancel':
        return;
      case 'break':
        return this.#runtime.break(happening.effect, happening.fault);
      case 'end':
      case 'outOfMemory':
        return this.#kill(happening);
      case 'killDaemon':
        await crash(this.#daemon);
        return this.#again();
      case 'killShim':
        return this.#killShim();
      case 'stopDaemon':
        await this.#unlessInterrupted(this.#daemon.stop());
        return this.#again();
      case 'settle':
        return this.#settle();
      default:
        return this.#ask(happening);
    }
  }

  async #ask(happening: Extract<Happening, { id: number }>): Promise<void> {
    const id = this.#idOf(happening.id);
    const daemon = this.#daemon;
    const pid = 'at' in happening ? await this.#pid(happening) : 0;
    switch (happening.do) {
      case 'create': {
        const bundle = this.#bundleOf[happening.id] ?? '';
        const checkpoint = happening.restore ? '0' : '';
        return this.#track(daemon.create(id, bundle, { checkpoint }), (answer) => this.#note(id, answer));
      }
      case 'exec':
        return this.#track(daemon.exec(id, ['sleep', '1000']), (answer) => this.#note(id, answer));
      case 'signal':
        return this.#track(daemon.signal(id, happening.signal, pid));
      case 'update':
        return this.#track(daemon.call('updateProcess', { id, pid, width: 80, height: 24 }));
      case 'pause':
      case 'resume': {
        const status = happening.do === 'pause' ? 'paused' : 'running';
        return this.#track(daemon.update(id, { status, signal: happening.signal }));
      }
      case 'checkpoint': {
        const flags = { tcp: false, unixSockets: false, shell: false };
        const checkpoint = { name: String(happening.name), exit: happening.exit, ...flags };
        return this.#track(daemon.call('createCheckpoint', { id, checkpoint }));
      }
      case 'deleteCheckpoint':
        return this.#track(daemon.call('deleteCheckpoint', { id, name: String(happening.name) }));
    }
  }

  /** A request is answered, or fails: which of them is the daemon's to say. */
  #track<T>(call: Promise<T>, answered: (answer: T) => void = () => {}): void {
    const open: Promise<void> = call.then(answered, () => {}).finally(() => this.#open.delete(open));
    this.#open.add(open);
  }

  #note(id: string, { pid }: { pid: number }): void {
    this.#started.push({ id, pid });
  }

  async #kill({ id, at }: { id: number; at: number }): Promise<void> {
    const container = await this.#daemon.container(this.#idOf(id));
    const victim = pick(container?.processes ?? [], at)?.pid;
    if (victim !== undefined) await killWhere(victim, (pid) => isIn(this.#idOf(id), pid));
  }

  /** What was under way is lost with it, and what is left of that is undone before anything else happens. */
  async #killShim(): Promise<void> {
    const shim = await shimOf(this.#daemon);
    if (shim === undefined) return;
    await killWhere(shim, async (pid) => pid === (await shimOf(this.#daemon)));
    await this.#until(async () => ![undefined, shim].includes(await shimOf(this.#daemon)));
  }

  async #again(): Promise<void> {
    await Promise.all(this.#open);
    this.#daemon = await again(this.#daemon, { flags: flagsOf(this.#runtime), detached: true });
  }

  /** Everything is answered, and then, before long, what the daemon says is what there is. */
  async #settle(): Promise<void> {
    const late = setTimeout(PATIENCE_MS, 'late', { ref: false });
    if ((await this.#unlessInterrupted(Promise.race([Promise.all(this.#open), late]))) === 'late') {
      this.#wrong.push(`${this.#open.size} requests are not answered`);
      return;
    }
    let [says, is]: string[][] = [[], []];
    await this.#until(async () => {
      [says, is] = [await said(this.#daemon), await there(this.#daemon)];
      return String(says) === String(is);
    }).catch(() => {
      this.#interrupted.throwIfAborted();
      this.#wrong.push(
        `State says ${says?.join('; ') || 'nothing'}, but there is ${is?.join('; ') || 'nothing'}`,
      );
    });
  }

  async #end(): Promise<void> {
    await this.#runtime.mend();
    await this.#settle();
    for (const { id } of await this.#daemon.containers()) this.#track(this.#daemon.signal(id, KILL));
    await this.#settle();
    await this.#until(async () => (await said(this.#daemon)).length === 0);
    let left: string[] = [];
    await this.#until(async () => {
      left = await this.#left();
      return left.length === 0;
    }).catch(() => {
      this.#interrupted.throwIfAborted();
      this.#wrong.push(`left: ${left.join(', ')}`);
    });
    // What it has told is in its journal once it has ended.
    await this.#unlessInterrupted(this.#daemon.stop());
    this.#wrong.push(...wrongWithJournal(await journalOf(this.#daemon), this.#started));
  }

  /** What there is of containers that have ended. */
  async #left(): Promise<string[]> {
    const { stateDir } = this.#daemon;
    const folders = await Promise.all(
      ['runc', 'containers', 'console'].map(async (folder) =>
        (await readdir(path.join(stateDir, folder))).map((name) => `${folder}/${name}`),
      ),
    );
    const shim = await shimOf(this.#daemon);
    const children = shim === undefined ? [] : await childrenOf(shim);
    const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n');
    return [
      ...folders.flat(),
      ...(await cgroupsNamed(this.#prefix)),
      ...children.map(({ pid, letter }) => `child ${pid} ${letter} of the shim`),
      ...mounts.filter((line) => line.includes(stateDir)),
    ];
  }

  async #remove(): Promise<void> {
    // Where something was wrong, or it was interrupted, containers may be left.
    await this.#daemon.removeNow();
    await this.#bundles.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** The pid of a process of a container, or of none. */
  async #pid({ id, at }: { id: number; at: number }): Promise<number> {
    const container = await this.#daemon.container(this.#idOf(id));
    return pick([0, ...(container?.processes ?? []).map(({ pid }) => pid), 4711], at) ?? 0;
  }

  /** Looks again and again until something is so; fails once it has not been for long, or it is interrupted. */
  #until(isSo: () => Promise<boolean>): Promise<void> {
    return until(() => {
      this.#interrupted.throwIfAborted();
      return isSo();
    }, PATIENCE_MS);
  }

  /** Settles as the promise does, or fails once it is interrupted. */
  async #unlessInterrupted<T>(promise: Promise<T>): Promise<T> {
    const settled = new AbortController();
    const { signal } = settled;
    const interrupted = new Promise<never>((_, reject) => {
      const stop = () => reject(this.#interrupted.reason);
      this.#interrupted.addEventListener('abort', stop, { once: true, signal });
    });
    try {
      this.#interrupted.throwIfAborted();
      return await Promise.race([promise, interrupted]);
    } finally {
      settled.abort();
    }
  }

  #idOf(n: number): string {
    return `${this.#prefix}${n}`;
  }
}

const flagsOf = ({ file }: FaultyRuntime): string[] => [
  '--concurrency',
  '2',
  '--oom-notify',
  '--runtime',
  file,
];
