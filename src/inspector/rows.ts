import type { AnyTransitionDefinition } from 'xstate';
import { pidOf } from '../history/family.ts';
import { plain } from '../history/plain.ts';
import type { Recorded, Said, Step } from '../history/recorded.ts';
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

export const stepRowOf = ({ session }: Recorded, step: Step, options: { secrets: boolean }): StepRow => ({
  number: step.number,
  session,
  atMs: step.atMs,
  sender: step.sender,
  event: plain(step.event, options) as StepRow['event'],
  state: step.state,
  context: plain(step.context, options),
  edges: step.transitions.map(edgeIdOf),
  said: (plain(step.said, options) as (Said | string)[]).map(saidOf),
  began: step.began,
});

/** What was too much to be shown is a text. */
const saidOf = (said: Said | string): Said =>
  typeof said === 'string' ? { type: said, params: undefined } : said;

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
