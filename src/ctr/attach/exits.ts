import { setTimeout as delay } from 'node:timers/promises';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { CliError } from '../../cli/error.ts';
import type { Event } from '../../generated/api.ts';
import type { Daemon } from '../daemon.ts';

const NS_PER_MS = 1_000_000n;
const TRY_AGAIN_MS = 200;
/** How long a daemon may be away while there is nothing but an exit to wait for. */
const PATIENCE_MS = 10_000;

/** The exits of a container's processes, from before the first of them is started. */
export type Exits = {
  /** The exit status of that process, as soon as there is one. Rejects with a `CliError` where it cannot be known. */
  of(pid: number): Promise<number>;
  /** There is nothing else to wait for: a daemon that does not come back is given up. */
  hurry(): void;
  close(): void;
};

/**
 * Follows the exits in a container. The daemon may end and be started again meanwhile, which its containers do not
 * notice: it is asked for what happened since.
 */
export async function followExits(daemon: Daemon, id: string): Promise<Exits> {
  const since = BigInt(Date.now()) * NS_PER_MS;
  const statuses = new Map<number, number>();
  let told = (): void => {};
  let fail = (_: Error): void => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // Whoever waits is told; nobody may be waiting yet.
  failed.catch(() => {});
  let hurriedAt: number | undefined;
  let closed = false;
  /** The last event that a gap stood for. */
  let passedOver = 0n;
  let stream: ClientReadableStream<Event>;

  const subscribe = (since: bigint) => daemon.events({ since, id, types: ['exit'] });

  /** Reads until the stream ends, fails, or has left something out. */
  async function read(): Promise<void> {
    try {
      for await (const event of stream as AsyncIterable<Event>) {
        if (event.type === 'gap') {
          // One in the journal comes with each replay, and exits are never among what it stands for.
          if (event.sequence <= passedOver) continue;
          passedOver = event.sequence;
          return;
        }
        if (event.type !== 'exit' || event.id !== id) continue;
        statuses.set(event.pid, event.status);
        told();
      }
    } catch {
      // Why is said by the next attempt, if that fails as well.
    } finally {
      stream.cancel();
    }
  }
  async function subscribeAgain(): Promise<void> {
    for (const lostAt = Date.now(); !closed; await delay(TRY_AGAIN_MS)) {
      try {
        stream = await subscribe(since);
        if (closed) stream.cancel();
        return;
      } catch (error) {
        const waitedSince = Math.max(lostAt, hurriedAt ?? Number.POSITIVE_INFINITY);
        if (Date.now() - waitedSince >= PATIENCE_MS) throw error;
      }
    }
  }
  async function follow(): Promise<void> {
    for (;;) {
      await read();
      if (closed) return;
      await subscribeAgain();
    }
  }

  stream = await subscribe(0n);
  follow().catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    fail(new CliError(`cannot tell how ${id} ended: ${why}`));
  });

  return {
    async of(pid) {
      for (;;) {
        const status = statuses.get(pid);
        if (status !== undefined) return status;
        const next = new Promise<void>((resolve) => {
          told = resolve;
        });
        await Promise.race([next, failed]);
      }
    },
    hurry() {
      hurriedAt ??= Date.now();
    },
    close() {
      closed = true;
      stream.cancel();
    },
  };
}
