import { credentials, status as grpc, type ServiceError } from '@grpc/grpc-js';
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

/** What a daemon refuses is one of these; anything else is trouble. */
const REFUSED: readonly number[] = [grpc.FAILED_PRECONDITION, grpc.NOT_FOUND, grpc.ALREADY_EXISTS];

/** Whether the daemon did it. Rejects with gRPC's error where that is no refusal. */
const asked = (call: (answered: (error: ServiceError | null) => void) => void): Promise<boolean> =>
  new Promise((resolve, reject) => {
    call((error) => {
      if (error !== null && !REFUSED.includes(error.code)) reject(error);
      else resolve(error === null);
    });
  });

/** A container of a daemon that runs, over gRPC. Nothing of it is left after `close`. */
export function liveDriven({ address, id, bundlePath, execArgs = ['sleep', '1000'] }: LiveOptions): Driven & {
  close(): Promise<void>;
} {
  const client = new APIClient(address, credentials.createInsecure());
  const exits: Event[] = [];
  let wake = () => {};
  const events = client.events(EventsRequest.fromPartial({}));
  const subscribed = new Promise((resolve) => events.once('metadata', resolve));
  events.on('data', (event: Event) => {
    if (event.type === 'exit' && event.id === id) exits.push(event);
    wake();
  });
  let trouble: Error | undefined;
  events.on('error', (error: ServiceError) => {
    if (error.code !== grpc.CANCELLED) trouble = error;
    wake();
  });
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
  let checkpoints = 0;

  return {
    async take(step) {
      switch (step) {
        case 'create': {
          const create = CreateContainerRequest.fromPartial({ id, bundlePath });
          await asked((answered) => client.createContainer(create, answered));
          return;
        }
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
          checkpoints += 1;
          const checkpoint = {
            name: `${id}-${checkpoints}`,
            exit: true,
            tcp: false,
            unixSockets: false,
            shell: false,
          };
          await ending(() => asked((answered) => client.createCheckpoint({ id, checkpoint }, answered)));
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
      await kill();
      events.cancel();
      client.close();
    },
  };
}
