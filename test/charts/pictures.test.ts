import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { CHART_NAMES, MACHINES } from '../../src/charts/charts.ts';
import { chartOf } from '../../src/charts/graph.ts';
import { type Box, layOut, type PlacedNode, type Point } from '../../src/charts/layout.ts';
import { CHARACTER_PX, FONT_PX, LINE_PX, PADDING_PX, TITLE_PX } from '../../src/charts/measures.ts';
import { mermaidOf } from '../../src/charts/mermaid.ts';
import { printChart } from '../../src/charts/print.ts';
import { svgOf } from '../../src/charts/svg.ts';

const contains = (outer: Box, inner: Box): boolean =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;
const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

type Word = Box & { text: string };

/** A line of text whose upper left corner is there, as high as its letters. */
const wordBox = (text: string, x: number, y: number): Word => {
  const indent = text.length - text.trimStart().length;
  return {
    text,
    x: x + indent * CHARACTER_PX,
    y: y + 2,
    width: (text.length - indent) * CHARACTER_PX,
    height: FONT_PX,
  };
};
const wordsOf = (name: string, { x, y, lines }: PlacedNode): Word[] => [
  wordBox(name, x + PADDING_PX, y + 5),
  ...lines.map(({ text }, n) => wordBox(text, x + PADDING_PX, y + TITLE_PX + n * LINE_PX)),
];
const between = (a: Point, b: Point): Box => ({
  x: Math.min(a.x, b.x),
  y: Math.min(a.y, b.y),
  width: Math.abs(a.x - b.x),
  height: Math.abs(a.y - b.y),
});

describe.each(CHART_NAMES)('the picture of the %s', (name) => {
  const chart = chartOf(MACHINES[name]);

  it('has every state in the one it is part of, and none on another', async () => {
    const { nodes } = await layOut(chart);
    const box = (id: string | null) => nodes.find((it) => it.id === id);
    for (const { id, parent } of chart.nodes) {
      const [own, outer] = [box(id), box(parent)];
      if (own !== undefined && outer !== undefined) expect([id, contains(outer, own)]).toEqual([id, true]);
      for (const sibling of chart.nodes.filter((it) => it.parent === parent && it.id !== id)) {
        expect([id, sibling.id, overlap(own as Box, box(sibling.id) as Box)]).toEqual([
          id,
          sibling.id,
          false,
        ]);
      }
    }
  });

  it('has a line for every transition that leaves a state, from the one to the other', async () => {
    const { nodes, edges } = await layOut(chart);
    const box = (id: string) => {
      const { x = 0, y = 0, width = 0, height = 0 } = nodes.find((it) => it.id === id) ?? {};
      return { x: x - 1, y: y - 1, width: width + 2, height: height + 2 };
    };
    expect(edges.flatMap(({ transitions }) => transitions).sort()).toEqual(
      chart.edges
        .filter(({ target }) => target !== null)
        .map(({ id }) => id)
        .sort(),
    );
    for (const { source, target, points } of edges) {
      const at = (n: number) => ({ x: 0, y: 0, ...points.at(n), width: 0, height: 0 });
      expect([source, target, contains(box(source), at(0)), contains(box(target), at(-1))]).toEqual([
        source,
        target,
        true,
        true,
      ]);
    }
  });

  it('has no line through a word of a state or of another line, and no word on another', async () => {
    const { nodes, edges, initials } = await layOut(chart);
    const words = [
      ...nodes.flatMap((node, n) => wordsOf(chart.nodes[n]?.name ?? '', node)),
      ...edges.flatMap(({ label }) =>
        label.lines.map((text, n) => wordBox(text, label.x, label.y + n * LINE_PX)),
      ),
    ];
    const found = [...edges, ...initials].flatMap(({ id, points }) =>
      points.slice(1).flatMap((to, n) => {
        const line = between(points[n] as Point, to);
        return words.filter((word) => overlap(word, line)).map(({ text }) => `${id} crosses ${text}`);
      }),
    );
    for (const [n, one] of words.entries()) {
      for (const other of words.slice(n + 1)) {
        if (overlap(one, other)) found.push(`${one.text} is on ${other.text}`);
      }
    }
    expect(found).toEqual([]);
  });

  it('in the docs is the one that the chart gives', async () => {
    const file = new URL(`../../docs/charts/${name}.svg`, import.meta.url);
    expect(await readFile(file, 'utf8').catch(() => ''), 'run: npm run charts').toBe(
      await printChart(name, 'svg'),
    );
  });

  it('has no script, and both the colours of day and night', async () => {
    const svg = await printChart(name, 'svg');
    expect(svg).not.toMatch(/<script|href|on\w+="/);
    expect(svg).toContain('@media (prefers-color-scheme: dark)');
  });

  it('for Mermaid has every state and transition', () => {
    const lines = mermaidOf(chart)
      .split('\n')
      .map((line) => line.trim());
    expect(lines[0]).toBe('stateDiagram-v2');
    const id = (text: string) => text.replaceAll('.', '_');
    for (const node of chart.nodes.slice(1)) {
      expect(lines.some((line) => line.startsWith('state "') && line.endsWith(` as ${id(node.id)}`))).toBe(
        true,
      );
    }
    for (const { source, target } of chart.edges.filter((it) => it.target !== null)) {
      expect(lines.some((line) => line.startsWith(`${id(source)} --> ${id(target ?? '')}`))).toBe(true);
    }
  });

  it('for the Stately editor is a machine with the same states and transitions', async () => {
    const again = chartOf(createMachine(JSON.parse(await printChart(name, 'json'))));
    const plain = ({ nodes, edges }: typeof chart) => ({
      nodes,
      edges: edges
        .map(({ id: _, ...edge }) => edge)
        .sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
    });
    expect(plain(again)).toEqual(plain(chart));
  });
});

it('a picture shows what a name has of markup as it is', async () => {
  const chart = chartOf(createMachine({ id: 'a', initial: 'b', description: '<&">', states: { b: {} } }));
  expect(svgOf(chart, await layOut(chart))).toContain('&lt;&amp;&quot;&gt;');
});
