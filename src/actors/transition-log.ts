import type { AnyActorRef, InspectionEvent, StateValue } from 'xstate';
import type { Logger } from '../log.ts';

/** `{ created: 'launching' }` as `created.launching`. */
export function stateName(value: StateValue): string {
  if (typeof value === 'string') return value;
  return Object.entries(value)
    .map(([name, inner]) => `${name}.${stateName(inner ?? '')}`)
    .join('|');
}

const valueIn = (snapshot: object): string | undefined =>
  'value' in snapshot ? stateName(snapshot.value as StateValue) : undefined;

/** Logs every transition of every chart: which container, which actor in it, from, to, by which event. */
export function createTransitionLog(log: Logger): (event: InspectionEvent) => void {
  const last = new WeakMap<AnyActorRef, string>();
  return (inspected) => {
    if (inspected.type !== '@xstate.snapshot') return;
    const { snapshot, event } = inspected;
    const actorRef = inspected.actorRef as AnyActorRef;
    const to = valueIn(snapshot);
    if (to === undefined) return;
    const from = last.get(actorRef) ?? '';
    if (from === to) return;
    last.set(actorRef, to);
    const parent = actorRef._parent;
    const isProcess = parent?._parent !== undefined;
    const container = isProcess ? parent.id : actorRef.id;
    log.debug(
      {
        container: parent === undefined ? '' : container,
        actor: isProcess ? actorRef.id : '',
        from,
        to,
        event: event.type,
      },
      'transition',
    );
  };
}
