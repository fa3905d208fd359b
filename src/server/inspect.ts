import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { StatsCollector } from '../actors/stats.ts';
import type { System } from '../actors/system.ts';
import { ContainerdError } from '../errors.ts';
import type * as wire from '../generated/inspect.ts';
import { familyOf, familySteps, pidOf } from '../history/family.ts';
import type { Recorded, Step } from '../history/recorded.ts';
import type { Recorder } from '../history/recorder.ts';
import { wordsOf } from '../history/words.ts';
import { nanoseconds } from './moment.ts';
import { serviceErrorOf } from './status.ts';
import { checkId } from './validate.ts';
import { createWatch, type InspectHandlers } from './watch.ts';

const actorOf = (actor: Recorded): wire.Actor => ({
  kind: actor.kind,
  id: actor.id,
  container: actor.kind === 'process' ? (actor.parent?.id ?? '') : '',
  state: actor.state,
  since: nanoseconds(actor.bornMs),
  state_since: nanoseconds(actor.sinceMs),
  pid: pidOf(actor),
});

const there = ({ goneMs }: Recorded): boolean => goneMs === 0;

function treeOf(recorder: Recorder): wire.Actor[] {
  const containers = [...recorder.containers()].filter(there);
  const actors = containers.flatMap((container) => [container, ...container.children.filter(there)]);
  return [...(recorder.supervisor ? [recorder.supervisor] : []), ...actors].map(actorOf);
}

function historyOf(container: Recorded): wire.Step[] {
  const last = new Map<Recorded, Step>();
  return familySteps(familyOf(container)).flatMap(({ actor, step }) => {
    const words = wordsOf(actor, step, last.get(actor));
    last.set(actor, step);
    return words === undefined ? [] : { timestamp: nanoseconds(step.atMs), ...words };
  });
}

export type InspectOptions = { recorder: Recorder; system: System; stats: StatsCollector };

/** The service `types.Inspect`: what the actors do and have done. */
export function createInspectApi({ recorder, system, stats }: InspectOptions): InspectHandlers {
  return {
    tree: (_call, callback) => callback(null, { actors: treeOf(recorder) }),
    history(
      { request }: ServerUnaryCall<wire.HistoryRequest, wire.HistoryResponse>,
      callback: sendUnaryData<wire.HistoryResponse>,
    ) {
      try {
        const container = recorder.container(checkId(request.id));
        if (container === undefined) throw new ContainerdError('containerNotFound');
        callback(null, { steps: historyOf(container) });
      } catch (error) {
        callback(serviceErrorOf(error));
      }
    },
    watch: createWatch({ recorder, system, stats }),
  };
}
