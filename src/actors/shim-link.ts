import { constants } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { crashPoint } from '../crash-point.ts';
import { endedStatus, type HeldProcess, holdProcess } from '../linux/process-end.ts';
import type { Logger } from '../log.ts';
import type {
  ConnectOptions,
  ShimClient,
  ShimExit,
  ShimKey,
  ShimProcess,
  ShimStarted,
} from '../shim/client.ts';
import { ShimError } from '../shim/error.ts';

/** How long to wait before the next try where a shim could not be started. */
const RETRY_MS = 1_000;

/** The end of a process that had lost its shim; `status` is undefined where nobody knows it. */
export type OrphanEnd = { key: ShimKey; pid: number; status: number | undefined };

export type ShimLinkOptions = {
  /** Connects to the shim, and starts one where there is none. */
  ensure: (handlers: Pick<ConnectOptions, 'onExit' | 'onLost'>) => Promise<ShimClient>;
  onExit: (exit: ShimExit) => void;
  onOrphanEnd: (end: OrphanEnd) => void;
  log: Logger;
};

/**
 * The shim, whichever it is: where one is lost, the next is started and what is asked meanwhile waits for it. What the
 * lost one was asked is rejected (`lost`), but for starts of which the next connection knows. Processes whose parent is
 * gone are watched and signalled by pidfd; their stdio is gone.
 */
export type ShimLink = ShimClient & {
  /** The pid of the shim, of the next one where a request has just been lost with it; 0 while none can be started. */
  ready(): Promise<number>;
  /** Takes over a process that has no shim; one of which the end is told anyway is told of once. */
  watchOrphan(process: ShimProcess): void;
};

const nameOf = ({ container, process }: ShimKey): string => `${container}/${process}`;
const isLost = (error: unknown): boolean => error instanceof ShimError && error.reason === 'lost';

/** Connects to the shim or starts it; rejects as `ensureShim` where that fails the first time. */
export async function linkShim({ ensure, onExit, onOrphanEnd, log }: ShimLinkOptions): Promise<ShimLink> {
  /** What the shim runs, by name: who they are once it is lost. */
  const running = new Map<string, ShimProcess>();
  const orphans = new Map<string, HeldProcess>();
  /** Whose end is told, or will be by a watch, by name, until it is acknowledged: whoever looks for orphans may be late. */
  const accounted = new Map<string, number>();
  let closed = false;

  const note = (process: ShimProcess): void => {
    running.set(nameOf(process.key), process);
  };
  const noteStarted = (key: ShimKey, started: ShimStarted): ShimStarted => {
    const { pid, startTime } = started;
    // Its end may be told before the answer to whoever has asked late how its start went.
    if (accounted.get(nameOf(key)) !== pid) note({ key, pid, startTime });
    return started;
  };
  const connect = (): Promise<ShimClient> =>
    ensure({
      onExit(exit) {
        const { key, pid } = exit.process;
        running.delete(nameOf(key));
        accounted.set(nameOf(key), pid);
        onExit(exit);
      },
      onLost: replace,
    });

  let latest = await connect();
  let current = Promise.resolve(latest);
  latest.processes.forEach(note);
  log.debug({ shimPid: latest.pid, version: latest.version }, 'shim connected');

  function replace(cause: Error): void {
    if (closed) return;
    log.error({ err: cause, shimPid: latest.pid }, 'the shim was lost');
    crashPoint('shim-link.lost');
    current = connect().then(take, (error: Error) => {
      log.error({ err: error }, 'no shim could be started');
      setTimeout(() => replace(cause), RETRY_MS);
      throw new ShimError('lost', `no other could be started: ${error.message}`);
    });
    current.catch(() => {});
  }
  /** Its predecessor's processes are orphans now, unless it is the same shim on a new connection. */
  function take(client: ShimClient): ShimClient {
    const left = [...running.values()];
    const known = new Set(client.processes.map(({ key }) => nameOf(key)));
    running.clear();
    latest = client;
    client.processes.forEach(note);
    log.info({ shimPid: client.pid }, 'a shim is there again');
    crashPoint('shim-link.replaced');
    for (const process of left) if (!known.has(nameOf(process.key))) watchOrphan(process);
    return client;
  }

  function watchOrphan(process: ShimProcess): void {
    const name = nameOf(process.key);
    if (accounted.get(name) === process.pid) return;
    accounted.set(name, process.pid);
    hold(process);
  }

  function hold({ key, pid, startTime }: ShimProcess): void {
    const about = { id: key.container, process: key.process, pid };
    let held: HeldProcess | undefined;
    try {
      held = holdProcess(pid, startTime);
    } catch (error) {
      log.error({ err: error, ...about }, 'a process without a shim cannot be watched yet');
      setTimeout(hold, RETRY_MS, { key, pid, startTime });
      return;
    }
    const end = (status: number | undefined) => {
      crashPoint('shim-link.orphan-ended');
      orphans.delete(nameOf(key));
      if (status === undefined)
        log.warn(about, 'a process without a shim has ended: its exit status is not known');
      else log.info({ ...about, status }, 'a process without a shim has ended');
      onOrphanEnd({ key, pid, status });
    };
    if (held === undefined) {
      end(endedStatus(pid, startTime));
      return;
    }
    log.warn(about, 'a process has lost its shim: its stdio is gone, and its exit status may not be known');
    orphans.set(nameOf(key), held);
    void held.ended.then(end);
  }

  /** The shim there is once every loss that somebody has been told of is taken note of, which is a turn of the loop later. */
  const afterLoss = async (): Promise<ShimClient> => {
    await setImmediate();
    return current;
  };

  /** What a shim that is lost was asked may be asked of the next as well. */
  const ofWhicheverShim = async (ask: (client: ShimClient) => Promise<void>): Promise<void> => {
    for (let client = await current; ; client = await afterLoss()) {
      try {
        return await ask(client);
      } catch (error) {
        if (closed || !isLost(error)) throw error;
      }
    }
  };

  /** The shim may have come to it though the connection did not hold until it could say so. */
  const launched = async (
    key: ShimKey,
    ask: (client: ShimClient) => ReturnType<ShimClient['awaitStart']>,
  ) => {
    try {
      return noteStarted(key, await ask(await current));
    } catch (error) {
      if (!isLost(error)) throw error;
      const next = await afterLoss().catch(() => {
        throw error;
      });
      const knows = [...next.starting, ...next.processes.map((it) => it.key)].some(
        (it) => nameOf(it) === nameOf(key),
      );
      if (!knows) throw error;
      return noteStarted(key, await next.awaitStart(key));
    }
  };

  return {
    get version() {
      return latest.version;
    },
    get pid() {
      return latest.pid;
    },
    get processes() {
      return latest.processes;
    },
    get starting() {
      return latest.starting;
    },
    start: (request) => launched(request.key, (client) => client.start(request)),
    awaitStart: (key) => launched(key, (client) => client.awaitStart(key)),
    run: async (request) => (await current).run(request),
    settle: (container) => ofWhicheverShim((client) => client.settle(container)),
    ack(key) {
      accounted.delete(nameOf(key));
      return ofWhicheverShim((client) => client.ack(key));
    },
    async kill(key, signal) {
      // Once it is known whose it is: it may be about to lose its shim.
      const client = await current;
      const orphan = orphans.get(nameOf(key));
      if (orphan === undefined) return client.kill(key, signal);
      try {
        orphan.signal(signal);
      } catch (error) {
        const { errno, message } = error as ShimError;
        const reason = errno === constants.errno.ESRCH ? 'noProcess' : 'kernel';
        throw new ShimError(reason, message, { errno });
      }
    },
    async update(key, changes) {
      const client = await current;
      if (orphans.has(nameOf(key))) throw new ShimError('lost', 'the stdio of the process is gone with it');
      return client.update(key, changes);
    },
    close() {
      closed = true;
      latest.close();
    },
    async ready() {
      // Whoever was told that a request is lost asks before the loss itself is told.
      await setImmediate();
      return current.then(
        ({ pid }) => pid,
        () => 0,
      );
    },
    watchOrphan,
  };
}
