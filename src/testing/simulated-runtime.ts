import type { InspectionEvent } from 'xstate';
import { type System, type SystemPorts, startSystem } from '../actors/system.ts';
import { INIT, type Notice, type Request } from '../machines/messages.ts';
import type { OnStop, Restored } from '../machines/supervisor-model.ts';
import { simulatedEffects, simulatedOom } from './simulated-effects.ts';
import { SimulatedHost } from './simulated-host.ts';
import { SimulatedLink } from './simulated-link.ts';
import { simulatedRestore, toldOf } from './simulated-restore.ts';
import { nameOf } from './simulated-shim.ts';
import type { Owner, StepsOptions } from './simulated-steps.ts';

export type SimulatedDaemonOptions = {
  concurrency?: number;
  onStop?: OnStop;
  /** Whether OOM kills are told. */
  oom?: boolean;
  inspect?: (event: InspectionEvent) => void;
  /** Puts others in the place of the ports, to see what comes of it. */
  ports?: (ports: SystemPorts) => SystemPorts;
};

/**
 * A host without processes: the kernel, runc, CRIU and the shim as far as the charts can tell. Whatever happens there
 * is a step that waits until it is taken, in any order: `steps` says which there are. One that is made with latencies
 * takes its steps by itself as `steps.pass` lets its clock go on.
 */
export class SimulatedRuntime {
  readonly host: SimulatedHost;
  #daemon: SimulatedDaemon | undefined;

  constructor(options?: StepsOptions) {
    this.host = new SimulatedHost(options);
  }

  get steps() {
    return this.host.steps;
  }

  /** Starts the charts on this host, where no daemon runs: it takes up what a former one has left. */
  startDaemon(options: SimulatedDaemonOptions = {}): SimulatedDaemon {
    if (this.#daemon?.alive) throw new Error('a daemon runs');
    this.#daemon = new SimulatedDaemon(this.host, options);
    return this.#daemon;
  }

  /** The daemon dies in the middle of whatever it does. Its shim and its runcs do not notice. */
  killDaemon(): void {
    this.#daemon?.die();
  }

  /** The shim dies, and is replaced by the daemon, if there is one. */
  killShim(): void {
    this.host.killShim();
    if (this.#daemon?.alive) this.#daemon.link.replace();
  }
}

/** The charts as the daemon composes them, on a simulated host. */
export class SimulatedDaemon implements Owner {
  alive = true;
  readonly system: System;
  readonly link: SimulatedLink;
  /** What subscribers have been told by this daemon. */
  readonly told: Notice[] = [];
  readonly reports: string[] = [];
  /** Resolves once its containers have ended or are left, and all that was told is in the journal. */
  readonly stopped: Promise<void>;
  /** What is still to be noted of what was told, by container. */
  readonly #settling = new Map<string, Set<Promise<void>>>();
  readonly #host: SimulatedHost;
  #unwritten: { notice: Notice; onWritten: () => void }[] = [];
  #isWriting = false;
  /** The processes that the shim speaks of still, and whose exits are in the journal. */
  readonly #leftOut = new Set<string>();

  constructor(
    host: SimulatedHost,
    { concurrency = 10, onStop = 'end', oom, inspect, ports = (it) => it }: SimulatedDaemonOptions,
  ) {
    this.#host = host;
    this.link = new SimulatedLink(host, this, (exit) => this.system.exited(exit));
    const restore = () => this.#restore();
    const { clock } = host.steps;
    this.system = startSystem(
      ports({
        effects: simulatedEffects({
          host,
          daemon: this,
          link: this.link,
          restore,
          told: (id) => this.#toldOf(id),
        }),
        ...(oom && { oom: simulatedOom(host, this) }),
        publish: (notice) => this.#announce(notice),
        report: (what, { message }) => this.reports.push(`${what}: ${message}`),
        // Its container was deleted, but the daemon that did it may not have come to tell.
        stray: (exit) => this.#announce({ ...exit, type: 'exit' }),
      }),
      {
        concurrency,
        onStop,
        ...(inspect && { inspect }),
        clock: {
          setTimeout: (fn, ms) => clock.setTimeout(() => this.alive && fn(), ms),
          clearTimeout: (id) => clock.clearTimeout(id),
        },
      },
    );
    this.stopped = this.system.stopped.then(async () => {
      while (this.#settling.size > 0)
        await Promise.all([...this.#settling.keys()].map((id) => this.#toldOf(id)));
      this.alive = false;
    });
  }

  /** Hands a request to the supervisor; the promise never settles where the daemon dies before it has answered. */
  request(request: Request): ReturnType<System['request']> {
    return this.system.request(request);
  }

  die(): void {
    this.#host.steps.end(this);
  }

  async #restore(): Promise<Restored> {
    await this.link.settleLost();
    await this.link.caughtUp;
    const told = toldOf(this.#host.journal);
    for (const it of this.link.found.values())
      if (it !== 'starting' && told.isOver(it)) this.#leftOut.add(nameOfPid(it));
    return simulatedRestore(this.#host, this.link, told);
  }

  #announce(notice: Notice): void {
    if (notice.type === 'exit' && this.#leftOut.delete(nameOfPid(notice))) {
      this.#settle(notice, this.#forget(notice));
      return;
    }
    this.told.push(notice);
    const written = new Promise<void>((onWritten) => this.#unwritten.push({ notice, onWritten }));
    this.#settle(notice, this.#note(notice, written));
    if (!this.#isWriting) void this.#write();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#unwritten.length > 0) {
      const batch = this.#unwritten;
      this.#unwritten = [];
      await this.#step('the daemon writes its journal');
      for (const { notice, onWritten } of batch) {
        this.#host.journal.push(notice);
        onWritten();
      }
    }
    this.#isWriting = false;
  }

  async #note(notice: Notice, written: Promise<void>): Promise<void> {
    await written;
    if (notice.type === 'exit') await this.#forget(notice);
    if (notice.type === 'start' || notice.type === 'exec') await this.#noteStarted(notice);
    if (notice.type === 'oom') await this.#noteOom(notice);
  }

  /** Only once it is in the journal. */
  async #forget({ id, process }: Notice): Promise<void> {
    await this.#step(`the daemon acknowledges the exit of ${nameOf({ id, process })}`);
    if (process !== INIT) this.#host.records.get(id)?.execs.delete(process);
    this.link.acknowledge({ id, process });
  }

  async #noteStarted({ id, process }: Notice): Promise<void> {
    await this.#step(`the daemon notes that the start of ${nameOf({ id, process })} was told`);
    this.#host.records.get(id)?.untold.delete(process);
  }

  async #noteOom({ id, kills = 0 }: Notice): Promise<void> {
    await this.#step(`the daemon notes that ${kills} OOM kills of ${id} were told`);
    const record = this.#host.records.get(id);
    if (record !== undefined) record.oomKills = Math.max(record.oomKills, kills);
  }

  #settle({ id }: Notice, work: Promise<void>): void {
    const others = this.#settling.get(id) ?? new Set();
    this.#settling.set(id, others.add(work));
    void work.then(() => {
      others.delete(work);
      if (others.size === 0) this.#settling.delete(id);
    });
  }

  async #toldOf(id: string): Promise<void> {
    await Promise.all(this.#settling.get(id) ?? []);
  }

  #step(what: string): Promise<void> {
    return this.#host.steps.wait(this, what);
  }
}

const nameOfPid = ({ id, pid }: { id: string; pid: number }): string => `${id}/${pid}`;
