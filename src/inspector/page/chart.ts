import type { Box, PlacedEdge, Point } from '../../charts/layout.ts';
import type { Picture } from '../pictures.ts';
import type { StepRow } from '../wire.ts';
import { byId, svg } from './dom.ts';
import { colourOf } from './format.ts';

/** The state chart of the chosen actor: where it is, how it came there, and where it can go. */

const LINE_PX = 16;
const TITLE_PX = 26;
const PADDING_PX = 10;
const FONT_PX = 12;
/** As large as the text is drawn where the chart follows. */
const FOLLOW_SCALE = 0.82;
const SCALES = { min: 0.12, max: 2.5 };
const MAP_PX = { width: 168, height: 120 };
const RUN_MS = 650;

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

/** Ids of the states that are active, from the root's on. */
export function activeIds({ chart }: Picture, state: string): Set<string> {
  const [root] = chart.nodes;
  const parts = state === '' ? [] : state.split('.');
  return new Set([root?.id ?? '', ...parts.map((_, n) => `${root?.id}.${parts.slice(0, n + 1).join('.')}`)]);
}

type Drawn = {
  picture: Picture;
  root: SVGSVGElement;
  map: SVGSVGElement;
  view: SVGRectElement;
  states: Map<string, { group: SVGGElement; mini: SVGRectElement; box: Box }>;
  edges: Map<string, { group: SVGGElement; placed: PlacedEdge; labels: Map<string, SVGTextElement> }>;
};

export class ChartView {
  readonly #element = byId('chart');
  readonly #followButton = byId('follow');
  readonly #drawn = new Map<Picture, Drawn>();
  #current: Drawn | undefined;
  #state = '';
  #follows = true;
  #scale = 1;
  #x = 0;
  #y = 0;

  constructor() {
    const zoom = (by: number) => () => this.#zoom(by);
    byId('zoom-in').addEventListener('click', zoom(1.25));
    byId('zoom-out').addEventListener('click', zoom(0.8));
    byId('zoom-fit').addEventListener('click', () => this.#fit());
    this.#followButton.addEventListener('click', () => this.#follow(!this.#follows));
    this.#element.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    this.#element.addEventListener('pointerdown', (event) => this.#drag(event));
    this.#element.addEventListener('keydown', (event) => this.#key(event));
    new ResizeObserver(() => (this.#follows ? this.#centre(false) : this.#place(false))).observe(
      this.#element,
    );
  }

  /** Shows an actor's chart as it was after a step; `animate` where that step has just been taken. */
  show(picture: Picture, state: string, step: StepRow | undefined, animate: boolean): void {
    const drawn = this.#drawn.get(picture) ?? this.#draw(picture);
    const isOther = this.#current !== drawn;
    if (isOther) {
      this.#current?.root.remove();
      this.#current?.map.remove();
      this.#element.append(drawn.root, drawn.map);
      this.#current = drawn;
    }
    this.#state = state;
    const active = activeIds(picture, state);
    const colour = colourOf(state);
    for (const svgElement of [drawn.root, drawn.map]) svgElement.style.setProperty('--lit', colour);
    for (const [id, { group, mini }] of drawn.states) {
      group.classList.toggle('active', active.has(id));
      mini.classList.toggle('active', active.has(id));
      group.classList.remove('stayed');
    }
    const taken = new Set(step?.edges);
    for (const { group, placed, labels } of drawn.edges.values()) {
      const took = placed.transitions.filter((id) => taken.has(id));
      group.classList.toggle('taken', took.length > 0);
      group.classList.toggle('possible', took.length === 0 && active.has(placed.source));
      for (const [id, label] of labels) label.classList.toggle('took', taken.has(id));
      group.querySelector('.runner')?.remove();
      if (took.length > 0 && animate) this.#run(group, placed.points);
    }
    if (animate) this.#stay(drawn, step);
    if (this.#follows) this.#centre(!isOther);
    else this.#place(false);
  }

  clear(): void {
    this.#current?.root.remove();
    this.#current?.map.remove();
    this.#current = undefined;
  }

  /** A dot runs along the transition that was taken. */
  #run(group: SVGGElement, points: readonly Point[]): void {
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

  /** A transition that does not leave its state makes that state beat. */
  #stay({ picture, states }: Drawn, step: StepRow | undefined): void {
    for (const id of step?.edges ?? []) {
      const edge = picture.chart.edges.find((it) => it.id === id);
      if (edge === undefined || edge.target !== null) continue;
      const group = states.get(edge.source)?.group;
      // Begun anew only if it is taken away for a while.
      requestAnimationFrame(() => group?.classList.add('stayed'));
    }
  }

  #draw(picture: Picture): Drawn {
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
    this.#drawn.set(picture, drawn);
    return drawn;
  }

  #follow(follows: boolean): void {
    this.#follows = follows;
    this.#followButton.setAttribute('aria-pressed', String(follows));
    if (follows) this.#centre(true);
  }

  /** Brings the innermost active state to the middle, as large as it reads well. */
  #centre(glide: boolean): void {
    if (this.#current === undefined) return;
    const { picture, states } = this.#current;
    const { clientWidth, clientHeight } = this.#element;
    const { width, height } = picture.layout;
    const whole = Math.min(clientWidth / width, clientHeight / height) * 0.96;
    const box = states.get([...activeIds(picture, this.#state)].at(-1) ?? '')?.box ?? picture.layout.nodes[0];
    if (box === undefined) return;
    this.#scale = Math.max(Math.min(whole, 1.1), FOLLOW_SCALE);
    const middle = (at: number, length: number, room: number, total: number): number => {
      const free = room - total * this.#scale;
      if (free >= 0) return free / 2;
      // No more paper beside the chart than there must be.
      return Math.min(24, Math.max(free - 24, room / 2 - (at + length / 2) * this.#scale));
    };
    this.#x = middle(box.x, box.width, clientWidth, width);
    this.#y = middle(box.y, box.height, clientHeight, height);
    this.#place(glide);
  }

  #fit(): void {
    if (this.#current === undefined) return;
    this.#follow(false);
    const { clientWidth, clientHeight } = this.#element;
    const { width, height } = this.#current.picture.layout;
    this.#scale = Math.min(clientWidth / width, clientHeight / height, 1.2) * 0.96;
    this.#x = (clientWidth - width * this.#scale) / 2;
    this.#y = (clientHeight - height * this.#scale) / 2;
    this.#place(true);
  }

  #place(glide: boolean): void {
    if (this.#current === undefined) return;
    const { root, view } = this.#current;
    root.classList.toggle('glides', glide);
    root.style.transform = `translate(${this.#x}px, ${this.#y}px) scale(${this.#scale})`;
    const { clientWidth, clientHeight } = this.#element;
    const box = {
      x: -this.#x / this.#scale,
      y: -this.#y / this.#scale,
      width: clientWidth / this.#scale,
      height: clientHeight / this.#scale,
    };
    for (const [name, value] of Object.entries(box)) view.setAttribute(name, String(value));
  }

  #zoom(by: number, x = this.#element.clientWidth / 2, y = this.#element.clientHeight / 2): void {
    this.#follow(false);
    const scale = Math.min(SCALES.max, Math.max(SCALES.min, this.#scale * by));
    this.#x = x - ((x - this.#x) * scale) / this.#scale;
    this.#y = y - ((y - this.#y) * scale) / this.#scale;
    this.#scale = scale;
    this.#place(false);
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const { left, top } = this.#element.getBoundingClientRect();
    if (event.ctrlKey) this.#zoom(Math.exp(-event.deltaY / 200), event.clientX - left, event.clientY - top);
    else this.#move(-event.deltaX, -event.deltaY);
  }

  #move(byX: number, byY: number): void {
    this.#follow(false);
    this.#x += byX;
    this.#y += byY;
    this.#place(false);
  }

  #drag(down: PointerEvent): void {
    if ((down.target as Element).closest('button') !== null) return;
    const move = ({ movementX, movementY }: PointerEvent) => this.#move(movementX, movementY);
    this.#element.setPointerCapture(down.pointerId);
    this.#element.addEventListener('pointermove', move);
    this.#element.addEventListener(
      'pointerup',
      () => this.#element.removeEventListener('pointermove', move),
      { once: true },
    );
  }

  #key(event: KeyboardEvent): void {
    const work: Record<string, () => void> = {
      '+': () => this.#zoom(1.25),
      '-': () => this.#zoom(0.8),
      '0': () => this.#fit(),
      f: () => this.#follow(true),
      ArrowLeft: () => this.#move(60, 0),
      ArrowRight: () => this.#move(-60, 0),
      ArrowUp: () => this.#move(0, 60),
      ArrowDown: () => this.#move(0, -60),
    };
    const done = event.target === this.#element ? work[event.key] : undefined;
    if (done === undefined) return;
    event.preventDefault();
    done();
  }
}
