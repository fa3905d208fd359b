import { INIT, KILL, type ProcessSpec } from '../machines/messages.ts';

/** A process as the kernel has it. A zombie is gone once its parent has reaped it. */
export type SimulatedProcess = {
  id: string;
  process: string;
  pid: number;
  startTime: string;
  spec: ProcessSpec;
  phase: 'alive' | 'zombie' | 'reaped';
  status: number;
  /** What a frozen process has been sent, and sees once it is thawed (cgroup v1). */
  pending: number[];
  /** Told once it has ended: its parent, or who holds a pidfd. */
  onEnd: ((process: SimulatedProcess) => void)[];
};

/** A container as the kernel and runc's state have it. */
export type SimulatedContainer = {
  id: string;
  bundlePath: string;
  frozen: boolean;
  /** Init first. Those that were reaped are not among them. */
  processes: Map<string, SimulatedProcess>;
  /** Who its init is or was, as runc has written it down; undefined until there is one. */
  first: { pid: number; startTime: string } | undefined;
  /** Whether init runs what it is to run, as far as runc has come (its `exec.fifo` is gone). */
  started: boolean;
  /** `oom_kill` of its cgroup. */
  oomKills: number;
  onOom: Set<() => void>;
};

/** Signals that end nothing: CHLD, CONT, URG, WINCH. */
const HARMLESS = new Set([17, 18, 23, 28]);

/** A process whose first argument is this outlives every signal but KILL. */
export const STUBBORN = 'stubborn';

/** Processes, pid namespaces, freezers and OOM kills, without any. */
export class SimulatedKernel {
  /** Whatever has a cgroup, or a folder below runc's root. */
  readonly containers = new Map<string, SimulatedContainer>();
  /** Every process that has not been reaped. */
  readonly processes = new Set<SimulatedProcess>();
  #lastPid = 99;
  #ticks = 0;

  makeContainer(id: string, bundlePath: string): SimulatedContainer {
    const container: SimulatedContainer = {
      id,
      bundlePath,
      frozen: false,
      processes: new Map(),
      first: undefined,
      started: false,
      oomKills: 0,
      onOom: new Set(),
    };
    this.containers.set(id, container);
    return container;
  }

  fork(container: SimulatedContainer, process: string, spec: ProcessSpec): SimulatedProcess {
    const { id, processes } = container;
    this.#lastPid += 1;
    this.#ticks += 1;
    const forked: SimulatedProcess = {
      id,
      process,
      pid: this.#lastPid,
      startTime: String(this.#ticks),
      spec,
      phase: 'alive',
      status: 0,
      pending: [],
      onEnd: [],
    };
    container.first ??= forked;
    processes.set(process, forked);
    this.processes.add(forked);
    return forked;
  }

  /** Sends a signal (kill(2)); false where there is no such process any more. */
  signal(process: SimulatedProcess, signal: number): boolean {
    if (process.phase !== 'alive') return false;
    if (signal === 0 || HARMLESS.has(signal)) return true;
    if (this.containers.get(process.id)?.frozen) process.pending.push(signal);
    else if (signal === KILL || process.spec.args[0] !== STUBBORN) this.die(process, 128 + signal);
    return true;
  }

  freeze(container: SimulatedContainer): void {
    container.frozen = true;
  }

  thaw(container: SimulatedContainer): void {
    container.frozen = false;
    for (const process of [...container.processes.values()])
      for (const signal of process.pending.splice(0)) this.signal(process, signal);
  }

  /** It ends; with init end all the others of its pid namespace. */
  die(process: SimulatedProcess, status: number): void {
    if (process.phase !== 'alive') return;
    process.phase = 'zombie';
    process.status = status;
    const container = this.containers.get(process.id);
    if (process.process === INIT)
      for (const other of [...(container?.processes.values() ?? [])]) this.die(other, 128 + KILL);
    for (const tell of process.onEnd.splice(0)) tell(process);
  }

  /** Its parent has taken note of it. */
  reap(process: SimulatedProcess): void {
    process.phase = 'reaped';
    this.processes.delete(process);
    const container = this.containers.get(process.id);
    if (container?.processes.get(process.process) === process) container.processes.delete(process.process);
  }

  /** It is killed for want of memory. */
  outOfMemory(process: SimulatedProcess): void {
    const container = this.containers.get(process.id);
    if (process.phase !== 'alive' || container === undefined) return;
    container.oomKills += 1;
    for (const tell of container.onOom) tell();
    this.die(process, 128 + KILL);
  }

  /** Kills what is left in a container and removes it. */
  remove(container: SimulatedContainer): void {
    container.frozen = false;
    for (const process of [...container.processes.values()]) this.die(process, 128 + KILL);
    if (this.containers.get(container.id) === container) this.containers.delete(container.id);
  }

  /** The process that has this pid, if it is the one that was started then and still runs. */
  find(pid: number, startTime: string): SimulatedProcess | undefined {
    for (const it of this.processes)
      if (it.pid === pid && it.startTime === startTime && it.phase === 'alive') return it;
    return undefined;
  }
}
