import { connect, type Socket } from 'node:net';

/** How long a server may take to accept a report. */
const PATIENCE_MS = 10_000;

export type GraphiteOptions = {
  /** `host:port`; an IPv6 address in brackets. */
  address: string;
  /** Called when reports do not arrive, and once they do again. */
  onTrouble: (error: Error | undefined) => void;
  patienceMs?: number;
};

export type Graphite = {
  /**
   * Sends a report. Never waits and never keeps more than one: while one is under way, others are left out. That is
   * no loss to see: the next report has the same metrics, newer.
   */
  send(lines: string): void;
  /** Gives up the report that is under way. */
  close(): void;
};

/** Sends reports to a Graphite server, each on a connection of its own, so that a server that was away is met again. */
export function createGraphite({ address, onTrouble, patienceMs = PATIENCE_MS }: GraphiteOptions): Graphite {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const port = Number(address.slice(colon + 1));
  let socket: Socket | undefined;

  return {
    send(lines) {
      if (socket !== undefined) return;
      const under = connect({ host, port });
      socket = under;
      const patience = setTimeout(
        () => under.destroy(new Error(`${address} took more than ${patienceMs} ms`)),
        patienceMs,
      );
      under.unref();
      patience.unref();
      let trouble: Error | undefined;
      under.on('error', (error) => {
        trouble = error;
      });
      under.on('close', () => {
        clearTimeout(patience);
        socket = undefined;
        if (trouble !== undefined || under.writableFinished) onTrouble(trouble);
      });
      // Whatever the server says is nothing to us, but unread it would keep the connection from ending.
      under.resume();
      under.end(lines, () => under.destroy());
    },
    close: () => socket?.destroy(),
  };
}
