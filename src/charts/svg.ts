import type { Chart } from './graph.ts';
import type { Layout, Point } from './layout.ts';
import { FONT_PX, LINE_PX, PADDING_PX, TITLE_PX } from './measures.ts';

/** The picture of a chart: one file without scripts, in the colours that its reader prefers. */

const STYLE = `
  .chart { --paper: #ffffff; --box: #f6f8fa; --line: #8c959f; --ink: #1f2328; --quiet: #59636e; --edge: #0550ae; }
  @media (prefers-color-scheme: dark) {
    .chart { --paper: #0d1117; --box: #161b22; --line: #6e7681; --ink: #e6edf3; --quiet: #9198a1; --edge: #79c0ff; }
  }
  .chart text { font: ${FONT_PX}px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: var(--ink); }
  .paper { fill: var(--paper); }
  .state > rect { fill: var(--box); stroke: var(--line); }
  .compound > rect { fill: none; }
  .chart .name { font-weight: bold; }
  .chart .description, .chart .stays { fill: var(--quiet); }
  .chart .description { font-style: italic; }
  .transition path, .initial path { fill: none; stroke: var(--edge); }
  .chart .transition text { fill: var(--edge); }
  .label { fill: var(--paper); opacity: 0.85; }
  .initial circle, .head { fill: var(--edge); }
`;

export const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const round = (number: number): number => Math.round(number * 10) / 10;

const pathOf = (points: Point[]): string =>
  points.map(({ x, y }, n) => `${n === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join(' ');

const lineOf = (text: string, x: number, y: number, kind = ''): string => {
  const attributes = `x="${round(x)}" y="${round(y)}"${kind && ` class="${kind}"`} xml:space="preserve"`;
  return `<text ${attributes}>${escapeText(text)}</text>`;
};

/** An SVG document. Its groups bear the ids of the chart's nodes as `data-id`, its lines those of the edges. */
export function svgOf(chart: Chart, layout: Layout): string {
  const { width, height } = layout;
  const nodes = layout.nodes.map((placed, n) => {
    const { kind = 'atomic', name = '' } = chart.nodes[n] ?? {};
    const { x, y, width, height, lines } = placed;
    const rect = (inset: number) =>
      `<rect x="${round(x + inset)}" y="${round(y + inset)}" width="${round(width - 2 * inset)}" height="${round(height - 2 * inset)}" rx="6"/>`;
    return [
      `<g class="state ${kind}" data-id="${escapeText(placed.id)}">`,
      rect(0),
      ...(kind === 'final' ? [rect(3)] : []),
      lineOf(name, x + PADDING_PX, y + 17, 'name'),
      ...lines.map(({ kind, text }, n) =>
        lineOf(text, x + PADDING_PX, y + TITLE_PX + n * LINE_PX + FONT_PX, kind),
      ),
      '</g>',
    ];
  });
  const edges = layout.edges.map(({ id, points, label }) => [
    `<g class="transition" data-id="${escapeText(id)}">`,
    `<path d="${pathOf(points)}" marker-end="url(#head)"/>`,
    ...(label.lines.length === 0
      ? []
      : [
          `<rect class="label" x="${round(label.x)}" y="${round(label.y)}" width="${round(label.width)}" height="${round(label.height)}"/>`,
        ]),
    ...label.lines.map((text, n) => lineOf(text, label.x + 2, label.y + n * LINE_PX + FONT_PX)),
    '</g>',
  ]);
  const initials = layout.initials.map(({ x, y, width, height, points }) => [
    '<g class="initial">',
    `<circle cx="${round(x + width / 2)}" cy="${round(y + height / 2)}" r="${width / 2}"/>`,
    `<path d="${pathOf(points)}" marker-end="url(#head)"/>`,
    '</g>',
  ]);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="The state chart ${escapeText(chart.id)}">`,
    `<style>${STYLE}</style>`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">',
    '<path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>',
    `<rect class="paper" width="${width}" height="${height}"/>`,
    ...nodes.flat(),
    ...edges.flat(),
    ...initials.flat(),
    '</svg>',
  ].join('\n')}\n`;
}
