import type { ChartFormat } from '../cli/chart-commands.ts';
import { type ChartName, MACHINES } from './charts.ts';
import { chartOf } from './graph.ts';
import { layOut } from './layout.ts';
import { mermaidOf } from './mermaid.ts';
import { statelyConfigOf } from './stately.ts';
import { svgOf } from './svg.ts';

/** A chart of the daemon as a text: JSON for the Stately editor, Mermaid, or SVG. */
export async function printChart(name: ChartName, format: ChartFormat): Promise<string> {
  const machine = MACHINES[name];
  if (format === 'json') return `${JSON.stringify(statelyConfigOf(machine), null, 2)}\n`;
  const chart = chartOf(machine);
  return format === 'mermaid' ? mermaidOf(chart) : svgOf(chart, await layOut(chart));
}
