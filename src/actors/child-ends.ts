import type { AnyStateMachine } from 'xstate';

/**
 * XState remembers for ever, for each state and each type of event, which transitions there may be. The end of a child
 * is an event that has the child's id in its type, so that each container, exec and request would leave a trace of some
 * hundred bytes in every state that hears of its end.
 */

const END = /^(xstate\.(?:done|error)\.actor)\.(.+)$/;

/**
 * Lets a machine hear of the ends of its children by the kind of child that they are: `xstate.done.actor.KIND`, where
 * `kindOf` gives one for the child's id; of those for which it gives none as ever. Which child it was is in the event's
 * `actorId`. Changes the machine, and gives it back.
 */
export function hearEndsByKind<Machine extends AnyStateMachine>(
  machine: Machine,
  kindOf: (actorId: string) => string | undefined,
): Machine {
  const transition = machine.transition.bind(machine);
  machine.transition = (snapshot, event, scope) => {
    const [, end, id = ''] = END.exec(event.type) ?? [];
    const kind = end === undefined ? undefined : kindOf(id);
    return transition(snapshot, kind === undefined ? event : { ...event, type: `${end}.${kind}` }, scope);
  };
  return machine;
}
