import type { Box, PlacedEdge, Point } from '../../charts/layout.ts';
import { FONT_PX, LINE_PX, PADDING_PX, TITLE_PX } from '../../charts/measures.ts';
import type { Picture } from '../pictures.ts';
import { svg } from './dom.ts';

/** A chart's picture as elements, which are drawn once and lit by classes. */

const MAP_PX = { width: 168, height: 120 };
const RUN_MS = 650;

export type Drawn = {
  picture: Picture;
  root: SVGSVGElement;
  /** The whole of it, small, and in it the part that is seen. */
  map: SVGSVGElement;
  view: SVGRectElement;
  states: Map<string, { group: SVGGElement; mini: SVGRectElement; box: Box }>;
  edges: Map<string, { group: SVGGElement; placed: PlacedEdge; labels: Map<string, SVGTextElement> }>;
};

const pathOf = (points: readonly Point[]): string =>
  points.map(({ x, y }, n) => `${n === 0 ? 'M' : 'L'}${x} ${y}`).join(' ');

/** The tip of an arrow that ends there. */
function headOf(points: readonly Point[]): string {
  const [from, to] = points.slice(-2);
  if (from === undefined || to === undefined) return '';
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  const at = (turn: number) => `${to.x - 8 * Math.cos(angle + turn)} ${to.y - 8 * Math.sin(angle + turn)}`;
  return `M${to.x} ${to.y} L${at(0.42)} L${at(-0.42)} Z`;
}

export function drawPicture(picture: Picture): Drawn {
  const { chart, layout } = picture;
  const { width, height } = layout;
  const root = svg('svg', {
    class: 'picture',
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    'aria-hidden': 'true',
  });
  const view = svg('rect', { class: 'view', rx: 12 });
  const map = svg('svg', { class: 'map', viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' });
  const mapScale = Math.min(MAP_PX.width / width, MAP_PX.height / height);
  map.style.width = `${width * mapScale}px`;
  map.style.height = `${height * mapScale}px`;
  const drawn: Drawn = { picture, root, map, view, states: new Map(), edges: new Map() };
  for (const placed of layout.nodes) {
    const node = chart.nodes.find(({ id }) => id === placed.id);
    const { x, y, lines } = placed;
    const kind = node?.kind ?? 'atomic';
    const rect = { x, y, width: placed.width, height: placed.height };
    const group = svg(
      'g',
      { class: `state ${kind}`, 'data-id': placed.id },
      svg('rect', { ...rect, rx: 8 }),
      ...(kind === 'final'
        ? [
            svg('rect', {
              class: 'inner',
              x: x + 3,
              y: y + 3,
              width: rect.width - 6,
              height: rect.height - 6,
              rx: 6,
            }),
          ]
        : []),
      svg('text', { class: 'name', x: x + PADDING_PX, y: y + 18 }, node?.name ?? ''),
      ...lines.map(({ text }, n) =>
        svg('text', { class: 'line', x: x + PADDING_PX, y: y + TITLE_PX + n * LINE_PX + FONT_PX }, text),
      ),
    );
    const mini = svg('rect', { ...rect, rx: 12, class: kind });
    root.append(group);
    map.append(mini);
    drawn.states.set(placed.id, { group, mini, box: placed });
  }
  for (const { x, y, width, height, points } of layout.initials) {
    root.append(
      svg(
        'g',
        { class: 'initial' },
        svg('circle', { cx: x + width / 2, cy: y + height / 2, r: 4 }),
        svg('path', { class: 'way', d: pathOf(points) }),
        svg('path', { class: 'head', d: headOf(points) }),
      ),
    );
  }
  for (const placed of layout.edges) {
    const { label, points } = placed;
    const labels = new Map<string, SVGTextElement>();
    label.lines.forEach((line, n) => {
      const id = placed.transitions[n] ?? '';
      labels.set(id, svg('text', { x: label.x + 2, y: label.y + n * LINE_PX + FONT_PX }, line));
    });
    const group = svg(
      'g',
      { class: 'edge', 'data-id': placed.id },
      svg('path', { class: 'way', d: pathOf(points) }),
      svg('path', { class: 'head', d: headOf(points) }),
      svg('rect', {
        class: 'back',
        x: label.x,
        y: label.y,
        width: label.width,
        height: label.height,
        rx: 3,
      }),
      ...labels.values(),
    );
    root.append(group);
    drawn.edges.set(placed.id, { group, placed, labels });
  }
  map.append(view);
  return drawn;
}

/** A dot runs along the transition that was taken. */
export function runAlong(group: SVGGElement, points: readonly Point[]): void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  const dot = svg('circle', { class: 'runner', r: 5 });
  group.append(dot);
  const frames = points.map(({ x, y }) => ({ transform: `translate(${x}px, ${y}px)` }));
  const lengths = points.map((point, n) => {
    const before = points[n - 1] ?? point;
    return Math.hypot(point.x - before.x, point.y - before.y);
  });
  const total = lengths.reduce((sum, it) => sum + it, 0) || 1;
  let passed = 0;
  const timed = frames.map((frame, n) => {
    passed += lengths[n] ?? 0;
    return { ...frame, offset: Math.min(1, passed / total) };
  });
  dot.animate(timed, { duration: RUN_MS, easing: 'ease-in-out' }).onfinish = () => dot.remove();
}
