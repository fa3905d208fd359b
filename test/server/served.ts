import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { createEventHub, type EventHub } from '../../src/actors/event-hub.ts';
import { type Journal, openJournal } from '../../src/actors/journal.ts';
import type { System } from '../../src/actors/system.ts';
import { APIClient } from '../../src/generated/api.ts';
import { createApi } from '../../src/server/api.ts';
import { type ApiServer, listen } from '../../src/server/listen.ts';
import type { InspectHandlers } from '../../src/server/watch.ts';

/** The API of a system on a socket, with a journal of its own, and a client of it. */
export class Served {
  readonly hub: EventHub;
  readonly client: APIClient;
  readonly socketPath: string;
  readonly #folder: string;
  readonly #journal: Journal;
  readonly #server: ApiServer;

  private constructor(folder: string, journal: Journal, hub: EventHub, server: ApiServer) {
    this.#folder = folder;
    this.#journal = journal;
    this.#server = server;
    this.hub = hub;
    this.socketPath = join(folder, 'c.sock');
    this.client = this.connect();
  }

  static async start(system: System, inspect?: InspectHandlers): Promise<Served> {
    const folder = mkdtempSync(join(tmpdir(), 'served-'));
    const journal = await openJournal({
      file: join(folder, 'events.jsonl'),
      maxBytes: 64 * 2 ** 20,
      maxAgeMs: 3_600_000,
      onTrouble: () => {},
    });
    const hub = createEventHub(journal);
    const machine = { id: 'm', cpus: 2, memoryBytes: 2n ** 33n };
    const stats = { subscribe: () => () => {}, close: () => {} };
    const server = await listen(
      { api: createApi({ system, hub, stats, machine }), ...(inspect && { inspect }) },
      { socketPath: join(folder, 'c.sock') },
    );
    return new Served(folder, journal, hub, server);
  }

  /** Another client, on a connection of its own. */
  connect(): APIClient {
    return new APIClient(`unix:${this.socketPath}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  async end(): Promise<void> {
    this.client.close();
    this.#server.close();
    await this.#journal.close();
    rmSync(this.#folder, { recursive: true });
  }
}
