import type { InspectionEvent } from 'xstate';
import type { SystemPorts } from '../../src/actors/system.ts';
import { INIT, KILL, type Outcome, type Request } from '../../src/machines/messages.ts';
import type { SimulatedProcess } from '../../src/testing/simulated-kernel.ts';
import { type SimulatedDaemon, SimulatedRuntime } from '../../src/testing/simulated-runtime.ts';
import { reactions } from '../../src/testing/simulated-steps.ts';
import {
  checkpoint,
  create,
  deleteCheckpoint,
  exec,
  resize,
  signal,
  update,
} from '../machines/fixtures/requests.ts';
import type { Happening, Watch } from './happening.ts';
import { type Started, wrongWithJournal } from './journal.ts';

const CONCURRENCY = 2;
/** What takes more has no end. */
const MAX_STEPS = 2_000;

/** What the shim says of a key that is in use, though the container that had the id is gone. */
const ID_TAKEN = /^containerd: start: .* exists$/;

export type LifeOptions = {
  /** Puts something wrong in the place of what is right. */
  sabotage?: (ports: SystemPorts) => SystemPorts;
  /** Is told of each step as well that is taken. */
  watch?: Watch & { step?: (what: string) => void };
  /** For XState's `inspect`. */
  inspect?: (event: InspectionEvent) => void;
};

type Asked = { request: Request; daemon: SimulatedDaemon; outcome?: Outcome };

const pick = <T>(all: readonly T[], at: number): T | undefined => all[at % Math.max(all.length, 1)];
const idOf = (n: number): string => `c${n}`;

/** Daemons, one after the other, on one simulated host, and what they were asked and did. */
export class SimulatedLife {
  readonly #runtime: SimulatedRuntime;
  readonly #options: LifeOptions;
  readonly #asked: Asked[] = [];
  readonly #started: Started[] = [];
  readonly #wrong: string[] = [];
  #daemon: SimulatedDaemon;

  constructor(options: LifeOptions = {}) {
    this.#options = options;
    this.#runtime = new SimulatedRuntime({ onStep: (what) => options.watch?.step?.(what) });
    this.#daemon = this.#startDaemon();
  }

  /** Lets all of it happen, then ends what is left; gives what was wrong. */
  static async live(happenings: readonly Happening[], options: LifeOptions = {}): Promise<string[]> {
    const life = new SimulatedLife(options);
    try {
      await reactions();
      for (const [n, happening] of happenings.entries()) {
        options.watch?.happening?.(n);
        await life.let(happening);
        life.#look();
        if (life.#wrong.length > 0) return life.#wrong;
      }
      options.watch?.ending?.();
      await life.#end();
    } catch (error) {
      life.#wrong.push(String(error));
    }
    return life.#wrong;
  }

  /** After how many steps all that these have begun has come to its end. */
  static async stepsOf(happenings: readonly Happening[]): Promise<number> {
    const life = new SimulatedLife();
    await reactions();
    for (const happening of happenings) await life.let(happening);
    let steps = 0;
    while (await life.#runtime.steps.takeAt(0)) steps += 1;
    return steps;
  }

  async let(happening: Happening): Promise<void> {
    const { host, steps } = this.#runtime;
    switch (happening.do) {
      case 'go':
        for (let n = 0; n < happening.steps; n += 1) await steps.takeAt(happening.at + 31 * n);
        return;
      case 'pass':
        // No step takes as long as that, but for one that hangs.
        await steps.toTheEnd(MAX_STEPS);
        return steps.pass(happening.ms);
      case 'end':
        return this.#with(this.#process(happening), (process) => host.kernel.die(process, 7));
      case 'outOfMemory':
        return this.#with(this.#process(happening), (process) => host.kernel.outOfMemory(process));
      case 'break':
        return host.break(happening.effect, happening.fault);
      case 'killDaemon':
        this.#runtime.killDaemon();
        this.#daemon = this.#startDaemon();
        return reactions();
      case 'killShim':
        this.#runtime.killShim();
        return reactions();
      case 'stopDaemon':
        return this.#stop();
      case 'settle':
        return this.#settle();
      case 'cancel': {
        const open = this.#asked.filter((it) => it.daemon === this.#daemon && it.outcome === undefined);
        return this.#with(pick(open, happening.at), ({ request }) =>
          this.#daemon.system.cancel(request.id, request.requestId),
        );
      }
      default:
        this.#ask(this.#requestOf(happening));
        return reactions();
    }
  }

  #requestOf(happening: Extract<Happening, { id: number }>): Request {
    const id = idOf(happening.id);
    // Each has a bundle of its own, as a checkpoint is the bundle's.
    const bundlePath = `/${id}`;
    const pid = 'at' in happening ? (pick([0, ...this.#pids(id), 4711], happening.at) ?? 0) : 0;
    switch (happening.do) {
      case 'create':
        return create({ id, bundlePath, checkpoint: happening.restore ? '0' : '' });
      case 'exec':
        return exec({ id });
      case 'signal':
        return signal({ id, pid, signal: happening.signal });
      case 'update':
        return resize({ id, pid });
      case 'checkpoint': {
        const { name, exit } = happening;
        const options = { name: String(name), exit, tcp: false, unixSockets: false, shell: false };
        return { ...checkpoint({ id }), checkpoint: options };
      }
      case 'deleteCheckpoint':
        return deleteCheckpoint({ id, name: String(happening.name) });
      case 'pause':
      case 'resume':
        return update({
          id,
          status: happening.do === 'pause' ? 'paused' : 'running',
          signal: happening.signal,
        });
      default:
        throw new Error(`${happening.do} is no request`);
    }
  }

  #ask(request: Request): Asked {
    const asked: Asked = { request, daemon: this.#daemon };
    this.#asked.push(asked);
    void this.#daemon.request(request).then((outcome) => {
      asked.outcome = outcome;
      const starts = request.type === 'create' || request.type === 'exec';
      if (!outcome.ok && ID_TAKEN.test(outcome.failure.message))
        this.#wrong.push(`${request.type} ${request.id} found its id taken: ${outcome.failure.message}`);
      if (starts && outcome.ok) this.#started.push({ id: request.id, pid: outcome.pid });
    });
    return asked;
  }

  async #stop(): Promise<void> {
    this.#daemon.system.stop();
    let stopped = false;
    void this.#daemon.stopped.then(() => {
      stopped = true;
    });
    // KILL comes after ten seconds.
    for (let n = 0; n < 100 && !stopped; n += 1) {
      await this.#runtime.steps.toTheEnd(MAX_STEPS);
      if (!stopped) await this.#runtime.steps.pass(1_000);
    }
    if (!stopped) this.#wrong.push('a daemon that was told to end did not');
    this.#allAnswered();
    this.#daemon = this.#startDaemon();
    await reactions();
  }

  /** Everything under way comes to its end; then what the daemon says is what there is. */
  async #settle(): Promise<void> {
    await this.#runtime.steps.toTheEnd(MAX_STEPS);
    this.#allAnswered();
    const { containers } = this.#runtime.host.kernel;
    const there = [...containers.values()].map(({ id, frozen, processes }) =>
      lineOf(id, frozen ? 'paused' : 'running', [...processes.values()]),
    );
    const said = this.#daemon.system.list().map(({ id, status, processes }) => lineOf(id, status, processes));
    if (String(there.sort()) !== String(said.sort()))
      this.#wrong.push(
        `State says ${said.join('; ') || 'nothing'}, but there is ${there.join('; ') || 'nothing'}`,
      );
  }

  async #end(): Promise<void> {
    this.#runtime.host.mend();
    await this.#settle();
    for (const { id } of this.#daemon.system.list()) this.#ask(signal({ id, signal: KILL }));
    await this.#settle();
    const actors = this.#daemon.system.countActors();
    if (actors !== 1) this.#wrong.push(`${actors} actors are left`);
    const left = this.#runtime.host.left();
    if (left.length > 0) this.#wrong.push(`left: ${left.join(', ')}`);
    this.#wrong.push(...wrongWithJournal(this.#runtime.host.journal, this.#started));
  }

  /** What must be so at any moment. */
  #look(): void {
    const starting = this.#runtime.host.starting(INIT);
    if (starting > CONCURRENCY) this.#wrong.push(`${starting} containers are starting at a time`);
  }

  #allAnswered(): void {
    for (const { request, daemon, outcome } of this.#asked)
      if (daemon === this.#daemon && outcome === undefined)
        this.#wrong.push(`${request.type} ${request.id} was not answered`);
  }

  #startDaemon(): SimulatedDaemon {
    const { sabotage, inspect } = this.#options;
    const daemon: SimulatedDaemon = this.#runtime.startDaemon({
      ...(inspect && { inspect }),
      concurrency: CONCURRENCY,
      oom: true,
      ports: (ports) => this.#watched(sabotage?.(ports) ?? ports),
    });
    return daemon;
  }

  /** Sees what is reported. */
  #watched(ports: SystemPorts): SystemPorts {
    return {
      ...ports,
      report: (what, about) => {
        if (what.includes('twice') || what.includes('failed'))
          this.#note(`reported: ${what}: ${about.message}`);
        ports.report(what, about);
      },
    };
  }

  #note(what: string): void {
    if (!what.includes('a failed start') && !what.includes('former daemon')) this.#wrong.push(what);
  }

  #process({ id, at }: { id: number; at: number }): SimulatedProcess | undefined {
    const all = [...this.#runtime.host.kernel.processes].filter(
      (it) => it.id === idOf(id) && it.phase === 'alive',
    );
    return pick(all, at);
  }

  #pids(id: string): number[] {
    return this.#daemon.system.find(id)?.processes.map(({ pid }) => pid) ?? [];
  }

  #with<T>(what: T | undefined, act: (what: T) => void): Promise<void> {
    if (what !== undefined) act(what);
    return reactions();
  }
}

const lineOf = (id: string, status: string, processes: readonly { process: string; pid: number }[]): string =>
  `${id} ${status} ${processes
    .map(({ process, pid }) => `${process}=${pid}`)
    .sort()
    .join(' ')}`;
