import { type ChartName, MACHINES } from '../charts/charts.ts';
import { type Chart, chartOf } from '../charts/graph.ts';
import { type Layout, layOut } from '../charts/layout.ts';

/** A chart, and where its states and the transitions between them are drawn. */
export type Picture = { chart: Chart; layout: Layout };
export type Pictures = Record<ChartName, Picture>;

/**
 * The pictures of the live page; made when it is built, as they are the same for every daemon. Of a state they say
 * its name and what is done while it is active; all else the page tells beside them.
 */
export async function drawPictures(): Promise<Pictures> {
  const drawn = Object.entries(MACHINES).map(async ([name, machine]) => {
    const chart = chartOf(machine);
    const nodes = chart.nodes.map((node) => ({ ...node, description: '', entry: [], exit: [] }));
    const edges = chart.edges.filter(({ target }) => target !== null);
    return [name, { chart, layout: await layOut({ ...chart, nodes, edges }) }];
  });
  return Object.fromEntries(await Promise.all(drawn)) as Pictures;
}
