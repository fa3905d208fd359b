import { credentials, type ServiceError } from '@grpc/grpc-js';
import { catalogue, type ErrorName } from '../errors.ts';
import {
  AddProcessRequest,
  APIClient,
  CreateContainerRequest,
  type Event,
  EventsRequest,
  UpdateContainerRequest,
} from '../generated/api.ts';
import { KILL } from '../machines/messages.ts';
import type { Driven } from './drive.ts';

export type LiveOptions = {
  /** `unix:/run/containerd/containerd.sock`, say. */
  address: string;
  /** Of a container that is not there yet. */
  id: string;
  /** Absolute path of its bundle, as the daemon sees it; its process runs until it is killed. */
  bundlePath: string;
  /** What `exec` runs in it. */
  execArgs?: string[];
};

/** What the charts refuse; anything else is trouble, as a bundle that is not there. */
const REFUSALS = [
  'containerNotFound',
  'containerExists',
  'containerExited',
  'containerState',
  'processNotFound',
] as const satisfies readonly ErrorName[];
const isRefusal = ({ details }: ServiceError): boolean =>
  REFUSALS.some((name) => details.startsWith(catalogue[name][1]));

/** Whether the daemon did it. Rejects with gRPC's error where that is no refusal. */
const asked = (call: (answered: (error: ServiceError | null) => void) => void): Promise<boolean> =>
  new Promise((resolve, reject) => {
    call((error) => {
      if (error !== null && !isRefusal(error)) reject(error);
      else resolve(error === null);
    });
  });

/** A container of a daemon that runs, over gRPC. Nothing of it is left after `close`, which rejects where it cannot be reached. */
export function liveDriven({ address, id, bundlePath, execArgs = ['sleep', '1000'] }: LiveOptions): Driven & {
  close(): Promise<void>;
} {
  const client = new APIClient(address, credentials.createInsecure());
  const exits: Event[] = [];
  let wake = () => {};
  let trouble: Error | undefined;
  const failed = (error: Error): void => {
    trouble ??= error;
    wake();
  };
  const events = client.events(EventsRequest.fromPartial({}));
  /** The daemon has heard that exits are to be told here, or does not answer. */
  const subscribed = new Promise<void>((resolve) => {
    for (const said of ['metadata', 'error', 'end']) events.once(said, () => resolve());
  });
  events.on('data', (event: Event) => {
    if (event.type === 'exit' && event.id === id) exits.push(event);
    wake();
  });
  events.on('error', failed);
  events.on('end', () => failed(new Error('the daemon has ended the stream of events')));
  const container = (): Promise<{ status: string; pid: number } | undefined> =>
    new Promise((resolve, reject) => {
      client.state({}, (error, response) => {
        const found = response?.containers.find((it) => it.id === id);
        if (error) reject(error);
        else resolve(found && { status: found.status, pid: found.processes[0]?.pid ?? 0 });
      });
    });
  /** Does it, and waits for the exit of the process that it ends. */
  async function ending(ask: () => Promise<boolean>): Promise<void> {
    await subscribed;
    if (trouble !== undefined) throw trouble;
    const before = await container();
    if (!(await ask()) || before === undefined) return;
    while (!exits.some(({ pid }) => pid === before.pid)) {
      if (trouble !== undefined) throw trouble;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  const kill = () => ending(() => asked((answered) => client.signal({ id, pid: 0, signal: KILL }, answered)));
  const create = CreateContainerRequest.fromPartial({ id, bundlePath });
  /** Those that were made, and may be there. */
  const checkpoints: string[] = [];
  /** A container has to be there for its checkpoints to be deleted. */
  async function deleteCheckpoints(): Promise<void> {
    if (checkpoints.length === 0) return;
    await asked((answered) => client.createContainer(create, answered));
    for (const name of checkpoints.splice(0)) {
      await asked((answered) => client.deleteCheckpoint({ id, name }, answered));
    }
    await kill();
  }

  return {
    async take(step) {
      switch (step) {
        case 'create':
          await asked((answered) => client.createContainer(create, answered));
          return;
        case 'pause':
        case 'resume': {
          const status = step === 'pause' ? 'paused' : 'running';
          const update = UpdateContainerRequest.fromPartial({ id, status });
          await asked((answered) => client.updateContainer(update, answered));
          return;
        }
        case 'exec': {
          const exec = AddProcessRequest.fromPartial({ id, args: execArgs, cwd: '/' });
          await asked((answered) => client.addProcess(exec, answered));
          return;
        }
        case 'checkpoint': {
          const name = `${id}-${checkpoints.length + 1}`;
          const checkpoint = { name, exit: true, tcp: false, unixSockets: false, shell: false };
          await ending(async () => {
            const isMade = await asked((answered) => client.createCheckpoint({ id, checkpoint }, answered));
            if (isMade) checkpoints.push(name);
            return isMade;
          });
          return;
        }
        case 'ends':
          // A frozen process does not end by itself.
          if ((await container())?.status === 'running') await kill();
          return;
        case 'kill':
          await kill();
      }
    },
    async status() {
      const found = await container();
      return found === undefined ? 'absent' : found.status === 'paused' ? 'paused' : 'running';
    },
    async close() {
      try {
        await kill();
        await deleteCheckpoints();
      } finally {
        events.cancel();
        client.close();
      }
    },
  };
}
