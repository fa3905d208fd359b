import { MACHINES } from '../charts/charts.ts';
import { statelyConfigOf } from '../charts/stately.ts';
import { plain } from '../history/plain.ts';
import type { Recorded, Step } from '../history/recorded.ts';

/** Events of @statelyai/inspect 0.7 (`StatelyInspectionEvent`), as its clients read them from JSON. */

type Base = { rootId: string; sessionId: string; createdAt: string; id: null; _version: string };
type Snapshot = { status: string; value: unknown; context: unknown };
export type StatelyMessage = Base &
  (
    | {
        type: '@xstate.actor';
        name: string;
        parentId: string | undefined;
        definition: string;
        snapshot: Snapshot;
      }
    | { type: '@xstate.event'; event: object; sourceId: string | undefined }
    | { type: '@xstate.snapshot'; event: object; snapshot: Snapshot }
  );

/** The release of the package whose protocol this is. */
const VERSION = '0.7.2';

type Options = { secrets: boolean };

const definitions = new Map<string, string>();

/** The chart as the package has it of a machine: its configuration as a text. */
function definitionOf({ kind }: Recorded): string {
  const known = definitions.get(kind) ?? JSON.stringify(statelyConfigOf(MACHINES[kind]));
  definitions.set(kind, known);
  return known;
}

const rootOf = (actor: Recorded): string =>
  actor.parent === undefined ? actor.session : rootOf(actor.parent);

const base = (actor: Recorded, { atMs }: Step): Base => ({
  rootId: rootOf(actor),
  sessionId: actor.session,
  createdAt: String(Math.floor(atMs)),
  id: null,
  _version: VERSION,
});

const snapshot = ({ goneMs }: Recorded, step: Step, options: Options): Snapshot => ({
  status: goneMs === 0 ? 'active' : 'done',
  value: step.value,
  context: plain(step.context, options),
});

export const actorMessage = (actor: Recorded, step: Step, options: Options): StatelyMessage => ({
  ...base(actor, step),
  type: '@xstate.actor',
  name: actor.id,
  parentId: actor.parent?.session,
  definition: definitionOf(actor),
  snapshot: snapshot(actor, step, options),
});

export const eventMessage = (actor: Recorded, step: Step, options: Options): StatelyMessage => ({
  ...base(actor, step),
  type: '@xstate.event',
  event: plain(step.event, options) as object,
  sourceId: step.source,
});

export const snapshotMessage = (actor: Recorded, step: Step, options: Options): StatelyMessage => ({
  ...base(actor, step),
  type: '@xstate.snapshot',
  event: plain(step.event, options) as object,
  snapshot: snapshot(actor, step, options),
});
