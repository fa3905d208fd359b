import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { actionName, guardName, isOfTheChart } from './names.ts';

/** A state chart as plain data: what is shown, walked and compared. */

export type NodeKind = 'atomic' | 'compound' | 'parallel' | 'final' | 'history';

/** An effect that runs for as long as the state is active. */
export type Invoke = { id: string; src: string };

export type ChartNode = {
  /** XState's: `container.running.pausing`; the chart's own is its root. */
  id: string;
  /** As snapshots have it: `running.pausing`; empty for the root. */
  path: string;
  /** The last part of the path; the chart's name for the root. */
  name: string;
  /** Id of the state that it is in; null for the root. */
  parent: string | null;
  kind: NodeKind;
  /** Id of the state that is entered with it; null where there is none. */
  initial: string | null;
  description: string;
  tags: string[];
  entry: string[];
  exit: string[];
  invokes: Invoke[];
};

export type ChartEdge = {
  /** Unique in its chart, and the same for as long as the chart is. */
  id: string;
  /** Ids of nodes; the target is null for a transition that stays where it is. */
  source: string;
  target: string | null;
  /** What takes it: an event, the end of an effect, time, or nothing but its guard. */
  kind: 'event' | 'done' | 'error' | 'after' | 'always';
  /** The event's type as XState has it; empty for `always`. */
  event: string;
  /** The event's type, the effect's or the delay's name; empty for `always`. */
  name: string;
  /** Empty for none. */
  guard: string;
  actions: string[];
  description: string;
};

export type Chart = { id: string; nodes: ChartNode[]; edges: ChartEdge[] };

type Transition = {
  eventType: string;
  target: readonly AnyStateNode[] | undefined;
  guard?: unknown;
  actions: readonly unknown[];
  description?: string | undefined;
};

const nodesBelow = (node: AnyStateNode): AnyStateNode[] => [
  node,
  ...Object.values(node.states).flatMap((child: AnyStateNode) => nodesBelow(child)),
];

function nodeOf(node: AnyStateNode): ChartNode {
  const [initial] = node.initial?.target ?? [];
  return {
    id: node.id,
    path: node.path.join('.'),
    name: node.key,
    parent: node.parent?.id ?? null,
    kind: node.type,
    initial: node.type === 'compound' ? (initial?.id ?? null) : null,
    description: node.description ?? '',
    tags: [...node.tags],
    entry: node.entry.map(actionName).filter(isOfTheChart),
    exit: node.exit.map(actionName).filter(isOfTheChart),
    invokes: node.invoke.map(({ id, src }) => ({ id, src: String(src) })),
  };
}

/** What an event of XState's own stands for in the state that handles it. */
function triggerOf(node: AnyStateNode, type: string): Pick<ChartEdge, 'kind' | 'name'> {
  if (type === '') return { kind: 'always', name: '' };
  for (const { id, src } of node.invoke) {
    if (type === `xstate.done.actor.${id}`) return { kind: 'done', name: String(src) };
    if (type === `xstate.error.actor.${id}`) return { kind: 'error', name: String(src) };
  }
  const delayed = node.after.find(({ eventType }) => eventType === type);
  if (delayed !== undefined) return { kind: 'after', name: String(delayed.delay) };
  return { kind: 'event', name: type };
}

function edgesOf(node: AnyStateNode): ChartEdge[] {
  const transitions = [...node.transitions.values(), node.always ?? []] as unknown as Transition[][];
  return transitions.flatMap((alternatives) =>
    alternatives.map(({ eventType, target, guard, actions, description }, index) => {
      if (target !== undefined && target.length > 1)
        throw new Error(`${node.id} has several targets at once`);
      return {
        id: `${node.id}:${eventType}:${index}`,
        source: node.id,
        target: target?.[0]?.id ?? null,
        ...triggerOf(node, eventType),
        event: eventType,
        guard: guardName(guard),
        actions: actions.map(actionName),
        description: description ?? '',
      };
    }),
  );
}

/** Reads a machine: its states from the root down, in the chart's order, and its transitions in the order they are tried. */
export function chartOf(machine: AnyStateMachine): Chart {
  const nodes = nodesBelow(machine.root);
  return { id: machine.id, nodes: nodes.map(nodeOf), edges: nodes.flatMap(edgesOf) };
}
