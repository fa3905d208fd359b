import {
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  createMachine,
  type EventObject,
} from 'xstate';

/** A chart run purely: an event in, what it wants done out, as data. Nothing is started, sent or waited for. */

/** What a chart has done in one step. */
export type Output =
  | { kind: 'send'; to: string; event: EventObject }
  /** An effect or a child chart begins; its end is an event `xstate.done.actor.<id>` or `xstate.error.actor.<id>`. */
  | { kind: 'start'; id: string; src: string; input: unknown }
  | { kind: 'drop'; id: string }
  /** An action that whoever composes the system provides. */
  | { kind: 'action'; type: string; params: unknown }
  | { kind: 'end'; output: unknown };

export type Step = { snapshot: AnyMachineSnapshot; outputs: Output[] };

/** Where `send` goes that is for the parent. */
export const PARENT = '#_parent';

type Executable = { type: string; params: unknown };
type Sent = { targetId?: string; to?: { id: string } | string; event: EventObject };

function outputOf({ type, params }: Executable): Output[] {
  switch (type) {
    case 'xstate.sendTo': {
      const { targetId, to, event } = params as Sent;
      return [{ kind: 'send', to: targetId ?? (typeof to === 'string' ? to : (to?.id ?? '')), event }];
    }
    case 'xstate.spawnChild': {
      const { id, src, input } = params as { id: string; src: string; input: unknown };
      return [{ kind: 'start', id, src, input }];
    }
    case 'xstate.stopChild': {
      const child = params as { id: string } | string | undefined;
      return child === undefined ? [] : [{ kind: 'drop', id: typeof child === 'string' ? child : child.id }];
    }
    default:
      // XState's own are of clocks, which do not run here, and of its insides.
      return type.startsWith('xstate.') ? [] : [{ kind: 'action', type, params }];
  }
}

/** Runs a chart as a child of somebody: `first` begins it, `next` goes on from a snapshot. */
export function pureChart(machine: AnyStateMachine) {
  const nobody = createActor(createMachine({}));
  // Never started: it is there to be called self and to have a parent.
  const self = createActor(createMachine({}), { parent: nobody });
  const scopeOf = (executed: Executable[]): AnyActorScope =>
    ({
      self,
      id: self.id,
      sessionId: self.sessionId,
      system: self.system,
      logger: () => {},
      defer: () => {},
      emit: () => {},
      stopChild: () => {},
      actionExecutor: (action: Executable) => void executed.push(action),
    }) as unknown as AnyActorScope;
  const stepTo = (run: (scope: AnyActorScope) => AnyMachineSnapshot): Step => {
    const executed: Executable[] = [];
    const snapshot = run(scopeOf(executed));
    const outputs = executed.flatMap(outputOf);
    if (snapshot.status === 'done') outputs.push({ kind: 'end', output: snapshot.output });
    if (snapshot.status === 'error') throw snapshot.error;
    return { snapshot, outputs };
  };
  return {
    first: (input: unknown): Step =>
      stepTo((scope) => machine.getInitialSnapshot(scope as never, input) as AnyMachineSnapshot),
    /** Goes on from a snapshot that was persisted. */
    restored: (persisted: unknown): AnyMachineSnapshot =>
      machine.restoreSnapshot(persisted as never, scopeOf([]) as never) as AnyMachineSnapshot,
    next: (snapshot: AnyMachineSnapshot, event: EventObject): Step =>
      stepTo((scope) => machine.transition(snapshot, event, scope as never) as AnyMachineSnapshot),
  };
}
