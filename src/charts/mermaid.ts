import type { Chart, ChartNode } from './graph.ts';
import { edgeLabel, wrap } from './labels.ts';

/** A chart for Mermaid (stateDiagram-v2): its states and the transitions that leave them. */

const idOf = (id: string): string => id.replaceAll('.', '_');

/** A colon would end the label, a semicolon the statement. */
const plain = (text: string): string => text.replaceAll(':', '#58;').replaceAll(';', '#59;');

function statesIn(chart: Chart, { id, initial }: ChartNode, indent: string): string[] {
  const lines = initial === null ? [] : [`${indent}[*] --> ${idOf(initial)}`];
  for (const node of chart.nodes.filter(({ parent }) => parent === id)) {
    const inner = statesIn(chart, node, `${indent}  `);
    const does = node.invokes.map(({ src }) => `<br/>does ${src}`).join('');
    lines.push(`${indent}state "${node.name}${does}" as ${idOf(node.id)}`);
    if (inner.length > 0) lines.push(`${indent}state ${idOf(node.id)} {`, ...inner, `${indent}}`);
    if (node.kind === 'final') lines.push(`${indent}${idOf(node.id)} --> [*]`);
  }
  return lines;
}

/** A Mermaid document. Notes hold the descriptions, which Mermaid shows beside the states. */
export function mermaidOf(chart: Chart): string {
  const [root] = chart.nodes;
  if (root === undefined) throw new Error(`the chart ${chart.id} has no states`);
  const transitions = chart.edges.flatMap((edge) => {
    if (edge.target === null) return [];
    const label = edgeLabel(edge);
    return [`  ${idOf(edge.source)} --> ${idOf(edge.target)}${label && `: ${plain(label)}`}`];
  });
  const notes = chart.nodes.flatMap(({ id, description }) =>
    description === ''
      ? []
      : [
          `  note right of ${idOf(id)}`,
          ...wrap(plain(description)).map((line) => `    ${line}`),
          '  end note',
        ],
  );
  return `${['stateDiagram-v2', ...statesIn(chart, root, '  '), ...transitions, ...notes].join('\n')}\n`;
}
