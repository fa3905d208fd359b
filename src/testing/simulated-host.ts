import type {
  CheckpointOptions,
  CreateRequest,
  Launched,
  Notice,
  ProcessSpec,
} from '../machines/messages.ts';
import { SimulatedKernel } from './simulated-kernel.ts';
import { nameOf, SimulatedShim } from './simulated-shim.ts';
import { type Owner, Steps, type StepsOptions } from './simulated-steps.ts';

/** What a daemon has written down of a container. */
export type SimulatedRecord = {
  create: CreateRequest;
  /** Who an exec is, once it runs. */
  execs: Map<string, { spec: ProcessSpec; started?: Launched }>;
  /** The pid files: that their processes were started is not in the journal yet. */
  untold: Map<string, number>;
  oomKills: number;
};

/** A checkpoint that is being made. */
export type SimulatedPartial = { path: string; checkpoint: CheckpointOptions; whole: boolean };

/**
 * How an effect goes wrong: at once, with nothing done; half-way, with something left; not before its deadline,
 * half-way too.
 */
export type Fault = 'fails' | 'dies' | 'hangs';
export type Faulty = 'launch' | 'signal' | 'update' | 'pause' | 'resume' | 'checkpoint' | 'delete';

/** Everything that outlives a daemon: the kernel, the disk, the shim and the runcs at work. */
export class SimulatedHost implements Owner {
  readonly alive = true;
  readonly steps: Steps;
  readonly kernel = new SimulatedKernel();
  readonly records = new Map<string, SimulatedRecord>();
  /** By `BUNDLE/NAME`. */
  readonly checkpoints = new Map<string, CheckpointOptions>();
  readonly partials = new Set<SimulatedPartial>();
  readonly journal: Notice[] = [];
  readonly #faults = new Map<Faulty, Fault>();
  readonly #atWork = new Map<Promise<unknown>, SimulatedShim>();
  #shim: SimulatedShim | undefined;
  #ns = 0;

  constructor(options?: StepsOptions) {
    this.steps = new Steps(options);
  }

  /** The shim, which is started where there is none. */
  ensureShim(): SimulatedShim {
    if (this.#shim?.alive) return this.#shim;
    const shim: SimulatedShim = new SimulatedShim(
      { kernel: this.kernel, steps: this.steps, nowNs: () => this.nowNs() },
      (work) => {
        this.#atWork.set(work, shim);
        const done = () => this.#atWork.delete(work);
        work.then(done, done);
      },
    );
    this.#shim = shim;
    return shim;
  }

  killShim(): void {
    this.#shim?.die();
  }

  /** Resolves once no runc of a shim that is gone is at work. */
  async settleLost(): Promise<void> {
    const lost = [...this.#atWork].filter(([, shim]) => !shim.alive).map(([work]) => work);
    await Promise.allSettled(lost);
  }

  /** The next effect of this kind goes wrong. */
  break(effect: Faulty, fault: Fault): void {
    this.#faults.set(effect, fault);
  }

  /** How this effect goes wrong, if it does; only this time. */
  takeFault(effect: Faulty): Fault | undefined {
    const fault = this.#faults.get(effect);
    this.#faults.delete(effect);
    return fault;
  }

  /** When it is, in unix nanoseconds: later at each call. */
  nowNs(): string {
    this.#ns += 1;
    return String(this.#ns);
  }

  /** How many processes of this name are being started. */
  starting(process: string): number {
    const entries = [...(this.#shim?.entries.values() ?? [])];
    return entries.filter((it) => it.phase === 'starting' && it.key.process === process).length;
  }

  /** Removes a container without the runtime, as the daemon does with what that does not remove. */
  sweep(id: string): void {
    const container = this.kernel.containers.get(id);
    if (container !== undefined) this.kernel.remove(container);
  }

  /** What there is of containers, as `cgroup c`; nothing once all of them have ended. */
  left(): string[] {
    return [
      ...[...this.kernel.containers.keys()].map((id) => `cgroup ${id}`),
      ...[...this.kernel.processes].map((it) => `${it.phase} process ${nameOf(it)}`),
      ...[...this.records.keys()].map((id) => `record ${id}`),
      ...[...this.partials].map(({ path }) => `partial ${path}`),
      ...[...(this.#shim?.entries.keys() ?? [])].map((name) => `${name} in the shim`),
      ...[...this.#atWork.keys()].map(() => 'a runc at work'),
    ];
  }

  /** Nothing goes wrong any more. */
  mend(): void {
    this.#faults.clear();
  }
}
