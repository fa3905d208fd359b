import type { AnyActorRef, AnyEventObject } from 'xstate';
import type { Recorded } from './recorded.ts';

/**
 * Who sent an event: `client r7` by its request, `shim`, `kernel`, `daemon`, `supervisor`, `container`, a process
 * (`init`, `exec-1`), or an effect by its name (`pause`, `launch`). That is in the event and in who hears it, as the
 * charts have it. `children` are those of the actor when it came.
 */
export function senderOf(
  event: AnyEventObject,
  { kind, id }: Pick<Recorded, 'kind' | 'id'>,
  children: Record<string, AnyActorRef>,
): string {
  const { type } = event;
  if (type.startsWith('xstate.')) {
    // A container begins with the request for it.
    if (type === 'xstate.init') return kind === 'container' ? clientOf(event.input.requestId) : PARENTS[kind];
    if (type.startsWith('xstate.after.')) return kind === 'process' ? id : kind;
    if (event.actorId !== undefined) return nameOf(children[event.actorId]);
    // It is stopped.
    return PARENTS[kind];
  }
  switch (type) {
    case 'shim.exited':
      return kind === 'process' ? 'container' : 'shim';
    case 'oom':
      return 'kernel';
    case 'slot.released':
      return 'container';
    case 'process.running':
    case 'process.exited':
    case 'process.failed':
      return event.process;
  }
  // A process is asked by its container, on whose behalf is in the request.
  if (kind !== 'process' && typeof event.requestId === 'string') return clientOf(event.requestId);
  return PARENTS[kind];
}

const PARENTS = { supervisor: 'daemon', container: 'supervisor', process: 'container' } as const;

/** What nobody asks for any more was asked of a former daemon. */
const clientOf = (requestId: string): string => (requestId === '' ? 'daemon' : `client ${requestId}`);

/** The containers are no children that the supervisor's snapshot has: see the composition. */
function nameOf(child: AnyActorRef | undefined): string {
  if (child === undefined) return 'container';
  if (isChart(child) || typeof child.src !== 'string') return child.id;
  return child.src;
}

/** Whether it runs a chart, and is no effect. */
export const isChart = (ref: AnyActorRef): boolean => 'root' in (ref as unknown as { logic: object }).logic;
