import type {
  AnyActorRef,
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  InspectionEvent,
} from 'xstate';

/**
 * What is told of the actors that run a chart, without XState's inspection: that makes several events of each step for
 * all of a system or for none of it, and of what they say the history needs little.
 */
export type Hearer = {
  /** An actor comes to be; its first snapshot comes as a step of `xstate.init`. */
  born(self: AnyActorRef): void;
  /** An actor begins with an event, and may make others step before it has. */
  takes(self: AnyActorRef): void;
  /** An event has been dealt with. */
  stepped(
    self: AnyActorRef,
    event: AnyEventObject,
    before: Pick<AnyMachineSnapshot, 'children'>,
    after: AnyMachineSnapshot,
  ): void;
  /** An action told somebody outside the charts something: a client, the subscribers of `Events`, the log. */
  said(self: AnyActorRef, type: string, params: unknown): void;
  /** Hears all that XState tells besides, which costs more than all the rest. */
  inspect?(event: InspectionEvent): void;
};

/** Has the actors of a machine heard. Changes the machine, and gives it back. */
export function hearSteps<Machine extends AnyStateMachine>(
  machine: Machine,
  hearer: Hearer | undefined,
): Machine {
  if (hearer === undefined) return machine;
  const { transition, getInitialSnapshot, restoreSnapshot } = machine;

  const firstOf = (self: AnyActorRef, input: unknown, snapshot: AnyMachineSnapshot): AnyMachineSnapshot => {
    hearer.stepped(self, { type: 'xstate.init', input }, snapshot, snapshot);
    return snapshot;
  };
  machine.getInitialSnapshot = (scope, input) => {
    hearer.born(scope.self);
    return firstOf(scope.self, input, getInitialSnapshot.call(machine, scope, input));
  };
  machine.restoreSnapshot = (persisted, scope) => {
    hearer.born(scope.self);
    // What it was created with: a snapshot does not have it.
    const { input } = (scope.self as unknown as { options: { input: unknown } }).options;
    return firstOf(scope.self, input, restoreSnapshot.call(machine, persisted, scope));
  };
  machine.transition = (before, event, scope) => {
    const { self } = scope;
    hearer.takes(self);
    try {
      const after = transition.call(machine, before, event, scope);
      hearer.stepped(self, event, before, after);
      return after;
    } catch (error) {
      // XState fails the actor of it.
      hearer.stepped(self, event, before, { ...before, status: 'error' });
      throw error;
    }
  };
  return machine;
}
