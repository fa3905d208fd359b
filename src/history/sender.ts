import type { AnyActorRef, AnyEventObject } from 'xstate';
import type { ActorKind } from './recorded.ts';

/**
 * Who sent an event: `client r7` by its request, `shim`, `supervisor`, `container`, a process (`init`, `exec-1`), or
 * an effect by its name (`pause`, `launch`). Composed in words once, as an event's source is no plain data.
 */
export function senderOf(event: AnyEventObject, source: AnyActorRef | undefined, target: ActorKind): string {
  // A container begins with the request for it.
  if (event.type === 'xstate.init' && target === 'container') return clientOf(event.input?.requestId ?? '');
  if (source !== undefined) return nameOf(source);
  if (typeof event.requestId === 'string') return clientOf(event.requestId);
  if (event.type === 'shim.exited') return 'shim';
  // The composition passes on what the supervisor says to a container, and what the daemon says to the supervisor.
  return target === 'supervisor' ? 'daemon' : target === 'container' ? 'supervisor' : 'container';
}

/** What nobody asks for any more was asked of a former daemon. */
const clientOf = (requestId: string): string => (requestId === '' ? 'daemon' : `client ${requestId}`);

function nameOf(source: AnyActorRef): string {
  if (source._parent === undefined) return 'supervisor';
  if (source._parent._parent === undefined && isChart(source)) return 'container';
  if (isChart(source)) return source.id;
  return typeof source.src === 'string' ? source.src : source.id;
}

/** Whether it runs a chart, and is no effect. */
export const isChart = (ref: AnyActorRef): boolean => 'root' in (ref as unknown as { logic: object }).logic;
