import type { Recorded, Step } from './recorded.ts';

/** A container and its processes, which are looked at together. */

/** The container that an actor belongs to, or the supervisor: those whose steps are told together. */
export const familyOf = (actor: Recorded): Recorded =>
  actor.kind === 'process' ? (actor.parent ?? actor) : actor;

/** The steps of a family, in the order in which their events were sent. */
export const familySteps = (family: Recorded): { actor: Recorded; step: Step }[] =>
  [family, ...family.children]
    .flatMap((actor) => actor.steps.map((step) => ({ actor, step })))
    .toSorted((a, b) => a.step.number - b.step.number);

/** The pid that a container's or a process's context has; 0 for none. */
export function pidOf({ context }: Recorded): number {
  const { initPid, launched } = (context ?? {}) as { initPid?: number; launched?: { pid: number } };
  return initPid ?? launched?.pid ?? 0;
}
