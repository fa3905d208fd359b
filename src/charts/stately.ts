import type { AnyStateMachine } from 'xstate';
import { type Chart, type ChartEdge, type ChartNode, chartOf } from './graph.ts';

/** A chart as the configuration of a machine, which the Stately editor imports: names in the place of code. */

type Transition = {
  target?: string;
  guard?: string;
  actions?: string[];
  description?: string;
};
type Transitions = Record<string, Transition[]>;

export type MachineConfig = {
  id?: string;
  type?: 'final' | 'parallel' | 'history';
  description?: string;
  tags?: string[];
  initial?: string;
  entry?: string[];
  exit?: string[];
  invoke?: { id: string; src: string; onDone?: Transition[]; onError?: Transition[] }[];
  on?: Transitions;
  always?: Transition[];
  after?: Transitions;
  states?: Record<string, MachineConfig>;
};

const orNone = <T extends string | unknown[]>(value: T): T | undefined =>
  value.length === 0 ? undefined : value;

/** Without what is undefined. */
const compact = <T extends object>(value: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, it]) => it !== undefined)) as T;

const transitionOf = ({ target, guard, actions, description }: ChartEdge): Transition =>
  compact<Transition>({
    target: target === null ? undefined : `#${target}`,
    guard: orNone(guard),
    actions: orNone(actions),
    description: orNone(description),
  });

function byName(edges: ChartEdge[], nameOf: (edge: ChartEdge) => string): Transitions | undefined {
  const grouped: Transitions = {};
  for (const edge of edges) {
    const name = nameOf(edge);
    grouped[name] = [...(grouped[name] ?? []), transitionOf(edge)];
  }
  return edges.length === 0 ? undefined : grouped;
}

function configOf(chart: Chart, node: ChartNode): MachineConfig {
  const edges = chart.edges.filter(({ source }) => source === node.id);
  const of = (kind: ChartEdge['kind']) => edges.filter((edge) => edge.kind === kind);
  const ends = (kind: 'done' | 'error', id: string) =>
    orNone(
      of(kind)
        .filter(({ event }) => event === `xstate.${kind}.actor.${id}`)
        .map(transitionOf),
    );
  const children = chart.nodes.filter(({ parent }) => parent === node.id);
  return compact<MachineConfig>({
    id: node.parent === null ? node.id : undefined,
    type: node.kind === 'atomic' || node.kind === 'compound' ? undefined : node.kind,
    description: orNone(node.description),
    tags: orNone(node.tags),
    initial: chart.nodes.find(({ id }) => id === node.initial)?.name,
    entry: orNone(node.entry),
    exit: orNone(node.exit),
    invoke: orNone(
      node.invokes.map(({ id, src }) => ({
        id,
        src,
        ...compact<{ onDone?: Transition[]; onError?: Transition[] }>({
          onDone: ends('done', id),
          onError: ends('error', id),
        }),
      })),
    ),
    on: byName(of('event'), ({ name }) => name),
    always: orNone(of('always').map(transitionOf)),
    after: byName(of('after'), ({ name }) => name),
    states:
      children.length === 0
        ? undefined
        : Object.fromEntries(children.map((child) => [child.name, configOf(chart, child)])),
  });
}

/** The machine's configuration as plain JSON, which `createMachine` takes as well. */
export function statelyConfigOf(machine: AnyStateMachine): MachineConfig {
  const chart = chartOf(machine);
  const [root] = chart.nodes;
  if (root === undefined) throw new Error(`the chart ${chart.id} has no states`);
  return configOf(chart, root);
}
