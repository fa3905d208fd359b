import type { AnyActorRef, AnyStateMachine, AnyStateNode, InspectionEvent, StateValue } from 'xstate';
import { stateName } from '../actors/transition-log.ts';
import { type Chart, type ChartEdge, chartOf } from '../charts/graph.ts';

/** What of a chart has been passed through, by its actors in any number of systems. */

/** A part of a chart of which some was reached; ids as `chartOf` has them. */
export type Share = { all: string[]; missing: string[] };
/** `guards` are said yes and no to: `<id of the transition> yes`, `<id of the transition> no`. */
export type CoverageReport = { chart: string; states: Share; transitions: Share; guards: Share };

type Taken = { source: AnyStateNode; eventType: string };

/** The id that `chartOf` gives a transition; undefined for the one by which a machine begins. */
function edgeIdOf(taken: Taken): string | undefined {
  const { source, eventType } = taken;
  const alternatives = eventType === '' ? (source.always ?? []) : (source.transitions.get(eventType) ?? []);
  const index = (alternatives as readonly unknown[]).indexOf(taken);
  return index < 0 ? undefined : `${source.id}:${eventType}:${index}`;
}

/** The ids of the transitions by which an actor has made a step; none of what is no step. */
export const transitionsIn = (inspected: InspectionEvent): string[] =>
  inspected.type === '@xstate.microstep'
    ? (inspected._transitions as unknown as Taken[]).flatMap((taken) => edgeIdOf(taken) ?? [])
    : [];

const isWithin = (path: string, of: string): boolean => of === '' || path === of || path.startsWith(`${of}.`);

/** Counts what actors of one chart pass through: `inspect` is what XState is given as `inspect`. */
export class Coverage {
  readonly chart: Chart;
  /** How often each transition was taken, by its id. */
  readonly taken = new Map<string, number>();
  readonly #entered = new Set<string>();
  readonly #guards = new Set<string>();
  readonly #edges: Map<string, ChartEdge>;
  readonly #paths: Map<string, string>;
  readonly #last = new WeakMap<AnyActorRef, string>();

  constructor(machine: AnyStateMachine) {
    this.chart = chartOf(machine);
    this.#edges = new Map(this.chart.edges.map((edge) => [edge.id, edge]));
    this.#paths = new Map(this.chart.nodes.map(({ id, path }) => [id, path]));
  }

  readonly inspect = (inspected: InspectionEvent): void => {
    // A machine begins without a step.
    const isStep = inspected.type === '@xstate.microstep';
    if (!isStep && inspected.type !== '@xstate.snapshot') return;
    const { actorRef, snapshot, event } = inspected;
    const { machine, value } = snapshot as { machine?: AnyStateMachine; value?: StateValue };
    if (machine?.id !== this.chart.id || value === undefined) return;
    const actor = actorRef as AnyActorRef;
    const from = this.#last.get(actor) ?? '';
    const to = stateName(value);
    this.#last.set(actor, to);
    for (const { id, path } of this.chart.nodes) if (isWithin(to, path)) this.#entered.add(id);
    if (isStep) this.#note(from, event.type, transitionsIn(inspected));
    // It would not have come to rest here, had one of them said yes.
    else if (snapshot.status === 'active') this.#saidNo(this.#guarded(to, ''));
  };

  /** By these transitions a state was left, or remained; by none where no guard said yes. */
  #note(from: string, eventType: string, transitions: readonly string[]): void {
    if (transitions.length === 0) this.#saidNo(this.#guarded(from, eventType));
    for (const transition of transitions) {
      const edge = this.#edges.get(transition);
      if (edge === undefined) continue;
      this.taken.set(edge.id, (this.taken.get(edge.id) ?? 0) + 1);
      if (edge.guard !== '') this.#guards.add(`${edge.id} yes`);
      this.#saidNo(this.#passedOver(edge, from));
    }
  }

  #saidNo(edges: readonly ChartEdge[]): void {
    for (const { id } of edges) this.#guards.add(`${id} no`);
  }

  /** The transitions with a guard that an event may take in a state. */
  #guarded(from: string, event: string): ChartEdge[] {
    return this.chart.edges.filter(
      (edge) =>
        edge.event === event && edge.guard !== '' && isWithin(from, this.#paths.get(edge.source) ?? ''),
    );
  }

  /** The transitions that would have been taken instead, had their guards said yes. */
  #passedOver({ id, source, event }: ChartEdge, from: string): ChartEdge[] {
    const outer = this.#paths.get(source) ?? '';
    const active = this.#guarded(from, event).filter((edge) =>
      isWithin(this.#paths.get(edge.source) ?? '', outer),
    );
    const index = Number(id.slice(id.lastIndexOf(':') + 1));
    return active.filter(
      (edge) => edge.source !== source || Number(edge.id.slice(edge.id.lastIndexOf(':') + 1)) < index,
    );
  }

  report(): CoverageReport {
    const share = (all: string[], has: (id: string) => boolean): Share => ({
      all,
      missing: all.filter((id) => !has(id)),
    });
    const { id: chart, nodes, edges } = this.chart;
    const guards = edges.filter(({ guard }) => guard !== '').flatMap(({ id }) => [`${id} yes`, `${id} no`]);
    return {
      chart,
      states: share(
        nodes.map(({ id }) => id),
        (id) => this.#entered.has(id),
      ),
      transitions: share(
        edges.map(({ id }) => id),
        (id) => this.taken.has(id),
      ),
      guards: share(guards, (id) => this.#guards.has(id)),
    };
  }
}

/** A report in a few lines, with the names of what was not reached. */
export function printCoverage({ chart, states, transitions, guards }: CoverageReport): string {
  const lines = Object.entries({ states, transitions, guards }).flatMap(([what, { all, missing }]) => [
    `${chart}: ${all.length - missing.length} of ${all.length} ${what}`,
    ...missing.map((id) => `  not reached: ${id}`),
  ]);
  return `${lines.join('\n')}\n`;
}
