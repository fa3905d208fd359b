import elk, { type ElkExtendedEdge, type ElkNode } from 'elkjs/lib/elk.bundled.js';
import type { Chart, ChartEdge, ChartNode } from './graph.ts';
import { edgeLabel, type Line, nodeLines } from './labels.ts';
import { CHARACTER_PX, LINE_PX, PADDING_PX, TITLE_PX } from './measures.ts';

/** Where a chart's states and transitions are in its picture, in px from its upper left corner. */

export type Point = { x: number; y: number };
export type Box = Point & { width: number; height: number };

export type PlacedNode = Box & { id: string; lines: Line[] };
/** One line between two states, for all transitions that lead from one to the other. */
export type PlacedEdge = {
  id: string;
  source: string;
  target: string;
  /** Ids of the chart's transitions, in the order of the label's lines. */
  transitions: string[];
  points: Point[];
  label: Box & { lines: string[] };
};
/** The dot beside the state that is entered first, and the line from it. */
export type PlacedInitial = Box & { id: string; target: string; points: Point[] };

export type Layout = {
  width: number;
  height: number;
  nodes: PlacedNode[];
  edges: PlacedEdge[];
  initials: PlacedInitial[];
};

const DOT_PX = 10;
const INITIAL = '#initial';

const GRAPH_OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.padding': '[top=8,left=8,bottom=8,right=8]',
};
const SPACING = {
  'elk.layered.spacing.nodeNodeBetweenLayers': '36',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '16',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeLabel': '4',
};

const widthOf = (lines: string[]): number =>
  Math.ceil(Math.max(0, ...lines.map((it) => it.length)) * CHARACTER_PX);

/** The transitions that leave a state, by where they lead. */
function connections({ edges }: Chart): { id: string; source: string; target: string; edges: ChartEdge[] }[] {
  const found = new Map<string, { id: string; source: string; target: string; edges: ChartEdge[] }>();
  for (const edge of edges) {
    if (edge.target === null) continue;
    const id = `${edge.source}→${edge.target}`;
    const connection = found.get(id) ?? { id, source: edge.source, target: edge.target, edges: [] };
    connection.edges.push(edge);
    found.set(id, connection);
  }
  return [...found.values()];
}

/** Whether a transition leads past a state's own border to one that is in it. */
function isPassed({ edges }: Chart, { id }: ChartNode): boolean {
  const isWithin = (other: string | null) => other?.startsWith(`${id}.`) ?? false;
  return edges.some(({ source, target }) => isWithin(target) && !isWithin(source) && source !== id);
}

function elkNode(chart: Chart, node: ChartNode): ElkNode {
  const texts = nodeLines(chart, node).map(({ text }) => text);
  const width = Math.max(widthOf([node.name]) + 2 * PADDING_PX, widthOf(texts) + 2 * PADDING_PX);
  const height = TITLE_PX + texts.length * LINE_PX + (texts.length > 0 ? PADDING_PX : 0);
  const children = chart.nodes.filter(({ parent }) => parent === node.id);
  if (children.length === 0) return { id: node.id, width, height };
  // A line comes in from above, through what stands there; so that goes beside the states within.
  const [top, left] = isPassed(chart, node) ? [TITLE_PX, width + PADDING_PX] : [height, 0];
  return {
    id: node.id,
    children: [
      ...(node.initial === null ? [] : [{ id: node.id + INITIAL, width: DOT_PX, height: DOT_PX }]),
      ...children.map((child) => elkNode(chart, child)),
    ],
    layoutOptions: {
      ...SPACING,
      'elk.padding': `[top=${top + PADDING_PX},left=${left + 16},bottom=16,right=16]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width},${height})`,
    },
  };
}

const boxOf = ({ x = 0, y = 0, width = 0, height = 0 }: Partial<Box>): Box => ({ x, y, width, height });

const pointsOf = ({ sections = [] }: ElkExtendedEdge): Point[] =>
  sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint]);

const nodesBelow = (node: ElkNode): ElkNode[] => [node, ...(node.children ?? []).flatMap(nodesBelow)];

/** Lays out a chart, as ELK's layered algorithm does: the same for the same chart. */
export async function layOut(chart: Chart): Promise<Layout> {
  const [root] = chart.nodes;
  if (root === undefined) throw new Error(`the chart ${chart.id} has no states`);
  const joined = connections(chart);
  const linesOf = (edges: ChartEdge[]) => edges.map(edgeLabel).filter(Boolean);
  const edges: ElkExtendedEdge[] = joined.map(({ id, source, target, edges }) => {
    const lines = linesOf(edges);
    const label = { text: lines.join('\n'), width: widthOf(lines) + 4, height: lines.length * LINE_PX };
    return { id, sources: [source], targets: [target], labels: lines.length === 0 ? [] : [label] };
  });
  const initials: ElkExtendedEdge[] = chart.nodes.flatMap(({ id, initial }) =>
    initial === null ? [] : [{ id: id + INITIAL, sources: [id + INITIAL], targets: [initial] }],
  );
  const graph: ElkNode = await new elk.default().layout<ElkNode>({
    id: '#picture',
    layoutOptions: { ...GRAPH_OPTIONS, ...SPACING },
    children: [elkNode(chart, root)],
    edges: [...edges, ...initials],
  });
  const nodes = new Map(nodesBelow(graph).map((it) => [it.id, it]));
  const routes = new Map((graph.edges ?? []).map((it) => [it.id, it]));
  const route = (id: string): ElkExtendedEdge => routes.get(id) ?? { id, sources: [], targets: [] };
  return {
    width: Math.ceil(graph.width ?? 0),
    height: Math.ceil(graph.height ?? 0),
    nodes: chart.nodes.map((node) => ({
      id: node.id,
      lines: nodeLines(chart, node),
      ...boxOf(nodes.get(node.id) ?? {}),
    })),
    edges: joined.map(({ id, source, target, edges }) => ({
      id,
      source,
      target,
      transitions: edges.map((it) => it.id),
      points: pointsOf(route(id)),
      label: { ...boxOf(route(id).labels?.[0] ?? {}), lines: linesOf(edges) },
    })),
    initials: chart.nodes.flatMap(({ id, initial }) =>
      initial === null
        ? []
        : [
            {
              id: id + INITIAL,
              target: initial,
              points: pointsOf(route(id + INITIAL)),
              ...boxOf(nodes.get(id + INITIAL) ?? {}),
            },
          ],
    ),
  };
}
