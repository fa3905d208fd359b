import { once } from 'node:events';
import net from 'node:net';
import {
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  connectivityState,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { CliError } from '../cli/error.ts';
import { APIClient, type Event, type EventsRequest, type Stats } from '../generated/api.ts';
import { InspectClient, type WatchResponse } from '../generated/inspect.ts';

/** How long an answer may take that nothing has to be done for. */
const ANSWER_TIMEOUT_MS = 30_000;

/** How long a daemon may leave it unanswered whether it is there: one that has been stopped takes connections all the same. */
const SILENCE_MS = 15_000;

/**
 * One that is waited for is found again soon after it is back; one that is silent is asked whether it is there. An answer may
 * be as large as its containers are many.
 */
const channelOptions = (silenceMs: number) => ({
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  'grpc.keepalive_time_ms': silenceMs,
  'grpc.keepalive_timeout_ms': silenceMs,
  'grpc.max_receive_message_length': -1,
});

const SILENT = 'does not answer: it has been stopped, has too much to do, or has just been started anew';

/** What the daemon refused, in its words, with the name of the gRPC status. */
export class Refusal extends CliError {
  readonly status: string;

  constructor(status: string, message: string) {
    super(message);
    this.status = status;
  }
}

/** A method of the API that has one answer, in the form that takes options. */
type Method<Request, Answer> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, answer: Answer) => void,
) => ClientUnaryCall;

/** Whether the daemon may take its time (it has a runtime or CRIU at work), and how to give up before. */
export type AskOptions = { patient?: boolean; signal?: AbortSignal };

/** The daemon as the commands see it. Whatever it refuses, or is unable to, is thrown as a `CliError` in its words. */
export type Daemon = {
  readonly client: APIClient;
  readonly inspect: InspectClient;
  /** Asks for something with one answer: `ask(daemon.client.state, {})`. */
  ask<Request, Answer>(
    method: Method<Request, Answer>,
    request: Request,
    options?: AskOptions,
  ): Promise<Answer>;
  /** What happens from now on; the daemon has the subscription once this resolves. */
  events(request: EventsRequest): Promise<ClientReadableStream<Event>>;
  stats(id: string): ClientReadableStream<Stats>;
  /** The containers that run and what they use, once a second. */
  watch(): ClientReadableStream<WatchResponse>;
  /** What a stream failed with, as a `CliError`. */
  explain(error: unknown): Promise<CliError>;
  close(): void;
};

/**
 * The daemon at a socket; nothing is sent before the first request. `debug` is told of every request. What is waited for fails
 * where it is silent for twice `silenceMs`.
 */
export function connect(
  socketPath: string,
  debug: (text: string) => void,
  { silenceMs = SILENCE_MS }: { silenceMs?: number } = {},
): Daemon {
  const client = new APIClient(`unix:${socketPath}`, credentials.createInsecure(), channelOptions(silenceMs));
  /** What is waited for. */
  const calls = new Set<ClientUnaryCall>();
  const isReady = () => client.getChannel().getConnectivityState(false) === connectivityState.READY;

  /** Gives a call up that comes to nobody: a daemon that has been stopped takes connections, and never says a word. */
  function inTime<Call extends ClientUnaryCall | ClientReadableStream<unknown>>(call: Call): Call {
    const timer = setTimeout(() => {
      if (!isReady()) call.cancel();
    }, 2 * silenceMs);
    call.once('status', () => clearTimeout(timer));
    return call;
  }

  const inspect = new InspectClient(`unix:${socketPath}`, credentials.createInsecure(), {
    channelOverride: client.getChannel(),
  });

  async function explain(error: unknown): Promise<CliError> {
    const { code, details } = error as Partial<ServiceError>;
    if (code === undefined || details === undefined) throw error;
    debug(`${status[code]}: ${details}`);
    if (code === status.CANCELLED && !isReady()) return new CliError(`${socketPath} ${SILENT}`);
    if (code === status.UNAVAILABLE) {
      const refusal = await knock(socketPath);
      if (refusal !== undefined) return new CliError(unreachable(socketPath, refusal));
      if (!details.startsWith('containerd: ')) return new CliError(`${socketPath} ${SILENT}`);
    }
    if (code === status.DEADLINE_EXCEEDED && !details.startsWith('containerd: ')) {
      return new CliError(`${socketPath} did not answer within ${ANSWER_TIMEOUT_MS / 1000} seconds`);
    }
    return new Refusal(status[code], details);
  }

  return {
    client,
    inspect,
    explain,
    async ask(method, request, { patient = false, signal } = {}) {
      const deadline = patient ? {} : { deadline: Date.now() + ANSWER_TIMEOUT_MS };
      debug(`${method.name} at ${socketPath}`);
      try {
        return await new Promise((resolve, reject) => {
          const call = method.call(client, request, new Metadata(), deadline, (error, answer) => {
            // Of one that nobody waits for any more there is nothing to say.
            if (!calls.delete(call)) return;
            if (error === null) resolve(answer);
            else reject(error);
          });
          calls.add(inTime(call));
          signal?.addEventListener('abort', () => call.cancel(), { once: true });
        });
      } catch (error) {
        throw await explain(error);
      }
    },
    async events(request) {
      debug(`events at ${socketPath}`);
      const stream = inTime(client.events(request));
      try {
        await once(stream, 'metadata');
        return stream;
      } catch (error) {
        throw await explain(error);
      }
    },
    stats: (id) => inTime(client.getStats({ id })),
    watch: () => inTime(inspect.watch({})),
    close() {
      // They would keep us from ending.
      const left = [...calls];
      calls.clear();
      for (const call of left) call.cancel();
      client.close();
    },
  };
}

/** Why nobody answers at a socket, as an errno's name, or undefined if somebody does. */
function knock(socketPath: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

function unreachable(socketPath: string, code: string): string {
  const advice: Record<string, string> = {
    ENOENT:
      'there is no such socket: start containerd, or say where it listens by --address or CONTAINERD_ADDRESS',
    ECONNREFUSED: 'nobody listens there any more: start containerd again',
    EACCES: 'permission denied: become root, or a member of the group of the socket',
    ENOTSOCK: 'that is no socket: say where containerd listens by --address or CONTAINERD_ADDRESS',
  };
  return `cannot reach containerd at ${socketPath}: ${advice[code] ?? code}`;
}
