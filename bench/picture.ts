import { escapeText } from '../src/charts/svg.ts';
import { type Axis, atEach, byTens, fromZero } from './axis.ts';

/** Values over a number of something, as lines: one SVG without scripts, in the colours that its reader prefers. */

/** A line, by its look: `main` and `late` are what is measured, `limit` is what limits it. */
export type Line = { name: string; look: 'main' | 'late' | 'limit'; points: { x: number; y: number }[] };

/** What is below both axes is in words, with its unit; one axis from zero, the other by tens where they differ much. */
export type Panel = { title: string; x: string; y: string; scale: 'from zero' | 'by tens'; lines: Line[] };

const [WIDTH, HEIGHT, COLUMNS] = [500, 340, 2];
/** Where the lines are in a panel. */
const [LEFT, RIGHT, TOP, BOTTOM] = [64, WIDTH - 24, 66, HEIGHT - 52];
const HEADER = 44;

const STYLE = `
  .curves { --paper: #ffffff; --grid: #d1d9e0; --ink: #1f2328; --quiet: #59636e; --main: #0550ae; --late: #bc4c00; }
  @media (prefers-color-scheme: dark) {
    .curves { --paper: #0d1117; --grid: #30363d; --ink: #e6edf3; --quiet: #9198a1; --main: #79c0ff; --late: #ffa657; }
  }
  .curves text { font: 12px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; fill: var(--quiet); }
  .curves .title { font-weight: bold; font-size: 14px; fill: var(--ink); }
  .curves .name { fill: var(--ink); }
  .paper { fill: var(--paper); }
  .grid { stroke: var(--grid); }
  .line path { fill: none; stroke-width: 2; }
  .main { --colour: var(--main); } .late { --colour: var(--late); } .limit { --colour: var(--quiet); }
  .line path { stroke: var(--colour); }
  .line .dot { fill: var(--colour); stroke: none; }
  .limit path { stroke-dasharray: 5 4; }
`;

/** A mark of its own for each look, since not everybody tells the colours apart. */
const DOTS: Record<Line['look'], string> = {
  main: 'm-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z',
  late: 'm0 -5l5 5l-5 5l-5 -5z',
  limit: 'm-3.5 -3.5h7v7h-7z',
};

const round = (number: number): number => Math.round(number * 10) / 10;
const shown = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 3 });

type Place = { x: number; y: number; anchor?: 'start' | 'middle' | 'end'; kind?: string; turned?: boolean };

function text(words: string, { x, y, anchor = 'start', kind, turned }: Place): string {
  const [left, top] = [round(x), round(y)];
  const attributes = [
    `x="${left}" y="${top}" text-anchor="${anchor}"`,
    ...(kind ? [`class="${kind}"`] : []),
    ...(turned ? [`transform="rotate(-90 ${left} ${top})"`] : []),
  ];
  return `<text ${attributes.join(' ')}>${escapeText(words)}</text>`;
}

const dot = ({ look }: Line, x: number, y: number, words?: string): string =>
  `<path class="dot" d="M${round(x)} ${round(y)}${DOTS[look]}"${words ? `><title>${escapeText(words)}</title></path>` : '/>'}`;

function drawAxes(
  { x, y }: Panel,
  across: Axis,
  up: Axis,
  place: (x: number, y: number) => [number, number],
): string[] {
  const [leftmost = 0, lowest = 0] = [across.ticks[0], up.ticks[0]];
  return [
    ...up.ticks.flatMap((tick) => {
      const [, top] = place(leftmost, tick);
      return [
        `<path class="grid" d="M${LEFT} ${round(top)}H${RIGHT}"/>`,
        text(shown(tick), { x: LEFT - 8, y: top + 4, anchor: 'end' }),
      ];
    }),
    ...across.ticks.flatMap((tick) => {
      const [left] = place(tick, lowest);
      return [
        `<path class="grid" d="M${round(left)} ${BOTTOM}v5"/>`,
        text(shown(tick), { x: left, y: BOTTOM + 20, anchor: 'middle' }),
      ];
    }),
    text(x, { x: (LEFT + RIGHT) / 2, y: HEIGHT - 14, anchor: 'middle' }),
    text(y, { x: 16, y: (TOP + BOTTOM) / 2, anchor: 'middle', turned: true }),
  ];
}

function drawPanel(panel: Panel): string[] {
  const points = panel.lines.flatMap((line) => line.points);
  const across = atEach(points.map(({ x }) => x));
  const up = (panel.scale === 'from zero' ? fromZero : byTens)(points.map(({ y }) => y));
  const place = (x: number, y: number): [number, number] => [
    LEFT + across.placeOf(x) * (RIGHT - LEFT),
    BOTTOM - up.placeOf(y) * (BOTTOM - TOP),
  ];
  const lines = panel.lines.flatMap((line, n) => {
    const placed = line.points.map(({ x, y }) => ({
      words: `${line.name}, ${shown(x)}: ${shown(y)}`,
      at: place(x, y),
    }));
    const legend = LEFT + ((RIGHT - LEFT) / panel.lines.length) * n;
    return [
      `<g class="line ${line.look}">`,
      `<path d="M${legend} 42h28"/>`,
      dot(line, legend + 14, 42),
      text(line.name, { x: legend + 36, y: 46, kind: 'name' }),
      `<path d="${placed.map(({ at }, n) => `${n === 0 ? 'M' : 'L'}${at.map(round).join(' ')}`).join('')}"/>`,
      ...placed.map(({ words, at: [left, top] }) => dot(line, left, top, words)),
      '</g>',
    ];
  });
  return [
    text(panel.title, { x: LEFT, y: 20, kind: 'title' }),
    ...drawAxes(panel, across, up, place),
    ...lines,
  ];
}

/**
 * An SVG document of panels, two in a row. Each number measured is written where the reader's pointer is.
 * Throws a `RangeError` where a panel has no points, or one that its axes cannot have.
 */
export function drawPicture(title: string, panels: readonly Panel[]): string {
  const [width, height] = [WIDTH * COLUMNS, HEADER + HEIGHT * Math.ceil(panels.length / COLUMNS)];
  const drawn = panels.flatMap((panel, n) => [
    `<g transform="translate(${(n % COLUMNS) * WIDTH} ${HEADER + Math.floor(n / COLUMNS) * HEIGHT})">`,
    ...drawPanel(panel),
    '</g>',
  ]);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" class="curves" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeText(title)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    text(title, { x: LEFT, y: 28, kind: 'name' }),
    ...drawn,
    '</svg>',
  ].join('\n')}\n`;
}
