import type { AnyTransitionDefinition } from 'xstate';
import { plain } from '../history/plain.ts';
import type { Recorded, Step } from '../history/recorder.ts';
import type { ActorRow, StepRow } from './wire.ts';

/** From what the recorder keeps to what the page is told. */

export const rowOf = (actor: Recorded): ActorRow => ({
  session: actor.session,
  parent: actor.parent?.session ?? '',
  kind: actor.kind,
  id: actor.id,
  state: actor.state,
  sinceMs: actor.sinceMs,
  bornMs: actor.bornMs,
  goneMs: actor.goneMs,
  pid: pidOf(actor),
});

/** The pid that a container's or a process's context has; 0 for none. */
export function pidOf({ context }: Recorded): number {
  const { initPid, launched } = (context ?? {}) as { initPid?: number; launched?: { pid: number } };
  return initPid ?? launched?.pid ?? 0;
}

export const stepRowOf = ({ session }: Recorded, step: Step, options: { secrets: boolean }): StepRow => ({
  number: step.number,
  session,
  atMs: step.atMs,
  sender: step.sender,
  event: plain(step.event, options) as StepRow['event'],
  state: step.state,
  context: plain(step.context, options),
  edges: step.transitions.map(edgeIdOf),
  said: step.said.map(({ type, params }) => ({ type, params: plain(params, options) })),
  began: step.began,
});

/** The container that an actor belongs to, or the supervisor: those whose steps are told together. */
export const familyOf = (actor: Recorded): Recorded =>
  actor.kind === 'process' ? (actor.parent ?? actor) : actor;

/** The steps of a family, in the order in which their events were sent. */
export const familySteps = (family: Recorded): { actor: Recorded; step: Step }[] =>
  [family, ...family.children]
    .flatMap((actor) => actor.steps.map((step) => ({ actor, step })))
    .toSorted((a, b) => a.step.number - b.step.number);

const ids = new WeakMap<AnyTransitionDefinition, string>();

/** The edge of `chartOf` that a transition is. */
function edgeIdOf(transition: AnyTransitionDefinition): string {
  const known = ids.get(transition);
  if (known !== undefined) return known;
  const { source, eventType } = transition;
  const alternatives = eventType === '' ? (source.always ?? []) : (source.transitions.get(eventType) ?? []);
  const id = `${source.id}:${eventType}:${alternatives.indexOf(transition)}`;
  ids.set(transition, id);
  return id;
}
