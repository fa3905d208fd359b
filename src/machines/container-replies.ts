import { type Failure, failure, failureOf } from '../errors.ts';
import type { ContainerContext } from './container-model.ts';
import {
  type CheckpointRequest,
  INIT,
  type Notice,
  type Outcome,
  type Reply,
  refused,
  succeeded,
} from './messages.ts';

/** What a container answers to clients, and tells subscribers. */

/** The answer to whoever asked for the operation in flight. */
export const operationDone = {
  type: 'reply',
  params: ({ context }: { context: ContainerContext }): Reply => ({
    requestId: context.operation?.requestId ?? '',
    outcome: succeeded(),
  }),
} as const;
export const operationFailed = {
  type: 'reply',
  params: ({ context, event }: { context: ContainerContext; event: { error: unknown } }): Reply => ({
    requestId: context.operation?.requestId ?? '',
    outcome: refused(failureOf(event.error)),
  }),
} as const;

/** The answer to whoever asked for a process. */
export const answerLaunch = <E extends { process: string }>(outcome: (event: E) => Outcome) =>
  ({
    type: 'reply',
    params: ({ context, event }: { context: ContainerContext; event: E }): Reply => ({
      requestId: context.processes.find((it) => it.process === event.process)?.requestId ?? '',
      outcome: outcome(event),
    }),
  }) as const;

/** The answer to whoever asked for a container that never came to run. */
export const answerCreate = (why: (context: ContainerContext) => Failure) =>
  ({
    type: 'reply',
    params: ({ context }: { context: ContainerContext }): Reply => ({
      requestId: context.create.requestId,
      outcome: refused(why(context)),
    }),
  }) as const;

/** The answer where too many wait already. */
export const refuseMore = {
  type: 'reply',
  params: ({ context, event }: { context: ContainerContext; event: { requestId: string } }): Reply => ({
    requestId: event.requestId,
    outcome: refused(failure('tooManyRequests', context.id)),
  }),
} as const;

/** The answer to a request that asks for nothing. */
export const nothingToDo = {
  type: 'reply',
  params: ({ event }: { event: { requestId: string } }): Reply => ({
    requestId: event.requestId,
    outcome: succeeded(),
  }),
} as const;

/** What subscribers of `Events` are told of this container; of init where nothing else is said. */
export const publish = <E>(
  type: Notice['type'],
  rest: (event: E, context: ContainerContext) => Partial<Notice> = () => ({}),
) =>
  ({
    type: 'publish',
    params: ({ context, event }: { context: ContainerContext; event: E }): Notice => ({
      type,
      id: context.id,
      process: INIT,
      pid: context.initPid,
      status: 0,
      unixNs: '',
      ...rest(event, context),
    }),
  }) as const;

/** Of a process that a former daemon began to start: whoever asked for it is gone with that. */
export const isAdopted = ({ processes }: ContainerContext, process: string): boolean =>
  processes.some((it) => it.process === process && it.requestId === '');
export const adopted = (context: ContainerContext, process: string): Pick<Notice, 'adopted'> =>
  isAdopted(context, process) ? { adopted: true } : {};

/** What subscribers are told of a container that is gone; nothing where it never ran and its client is told. */
export function lastNotice({
  id,
  create,
  exit,
  initPid: pid,
  failure: why,
}: ContainerContext): Notice | null {
  if (exit !== null) return { type: 'exit', id, process: INIT, pid, ...exit };
  if (create.requestId !== '' || why === null) return null;
  return { type: 'undone', id, process: INIT, pid, status: 0, unixNs: '', why: why.message };
}

/** The checkpoint that the operation in flight has made. */
export const publishCheckpoint = publish('checkpoint', (_event: unknown, { operation }) => ({
  checkpoint: (operation as CheckpointRequest).checkpoint,
}));
