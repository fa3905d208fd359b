import { eventName } from '../../history/event-name.ts';
import type { StepRow } from '../wire.ts';
import { html, svg } from './dom.ts';
import { clock, colourOf } from './format.ts';
import type { Actor, Store } from './store.ts';

/** The messages between the actors of a family, the oldest first: a lane for each that has said something. */

/** What fits is as wide as there is room for; more lanes are narrower, and then scroll. */
const LANE_PX = { min: 58, max: 96 };
const ROW_PX = 40;
const HEAD_PX = 32;
const SIDE_PX = 34;
const MAX_ROWS = 150;

/** A client's requests share a lane, and so do the effects, which are runc's, the shim's or the kernel's. */
function laneOf(sender: string, actors: ReadonlySet<string>): string {
  if (sender.startsWith('client ')) return 'clients';
  return actors.has(sender) || ['supervisor', 'shim', 'daemon'].includes(sender) ? sender : 'effects';
}

export function sequence(
  { steps, actors }: Store,
  chosen: Actor,
  step: StepRow | undefined,
  roomPx: number,
): Element {
  const rows = steps.slice(-MAX_ROWS);
  const family = new Map<string, string>();
  for (const { session } of rows) {
    const actor = actors.get(session);
    family.set(session, actor?.kind === 'container' ? 'container' : (actor?.id ?? session));
  }
  const names = new Set(family.values());
  const ORDER = ['clients', 'daemon', 'supervisor', 'container'];
  const found = new Set(rows.flatMap((it) => [laneOf(it.sender, names), family.get(it.session) ?? '']));
  const processes = [...found].filter((it) => ![...ORDER, 'effects', 'shim'].includes(it)).toSorted();
  const lanes = [...ORDER, ...processes, 'effects', 'shim'].filter((it) => found.has(it));
  const gaps = Math.max(1, lanes.length - 1);
  const lanePx = Math.min(LANE_PX.max, Math.max(LANE_PX.min, (roomPx - SIDE_PX * 2) / gaps));
  const xOf = (lane: string): number => SIDE_PX + lanes.indexOf(lane) * lanePx;
  const width = SIDE_PX * 2 + gaps * lanePx;
  const height = rows.length * ROW_PX + 20;
  const picture = svg('svg', {
    class: 'messages',
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': 'Messages between the actors',
  });
  const heads = svg('svg', { class: 'heads', width, height: HEAD_PX, 'aria-hidden': 'true' });
  for (const lane of lanes) {
    const x = xOf(lane);
    const name = lane === 'container' && chosen.kind === 'container' ? chosen.id : lane;
    picture.append(svg('line', { class: 'lane', x1: x, x2: x, y1: 0, y2: height }));
    heads.append(svg('text', { class: 'head', x, y: 21, 'text-anchor': 'middle' }, shorten(name, lanePx)));
  }
  for (const [n, it] of rows.entries()) picture.append(row(it, n));
  return html('div', { class: 'sequence' }, heads, picture);

  function row(it: StepRow, n: number): Element {
    const y = n * ROW_PX + 24;
    const [from, to] = [xOf(laneOf(it.sender, names)), xOf(family.get(it.session) ?? '')];
    const way = to >= from ? 1 : -1;
    const isSelf = from === to;
    const left = Math.min(from, to);
    const before = rows.slice(0, n).findLast(({ session }) => session === it.session);
    const group = svg(
      'g',
      { class: it.number === step?.number ? 'step chosen' : 'step', 'data-step': it.number },
      svg('rect', { x: 2, y: y - 22, width: width - 4, height: ROW_PX - 2, rx: 6 }),
      svg('title', {}, `${clock(it.atMs)}  ${it.sender}: ${it.event.type}`),
      isSelf
        ? svg('path', { class: 'message', d: `M${from} ${y} h26 v8 h-22` })
        : svg('path', { class: 'message', d: `M${from} ${y} H${to - way * 6}` }),
      isSelf
        ? svg('path', { class: 'tip', d: `M${from + 1} ${y + 8} l7 -3.5 v7 Z` })
        : svg('path', { class: 'tip', d: `M${to} ${y} l${-way * 8} -4 v8 Z` }),
      svg(
        'text',
        { x: isSelf ? from + 6 : left + 10, y: y - 6 },
        eventName(it.event.type, it.sender).slice(0, 28),
      ),
      svg('circle', {
        class: 'mark',
        cx: to,
        cy: isSelf ? y + 8 : y,
        r: before?.state === it.state ? 0 : 3.5,
      }),
    );
    if (before?.state !== it.state) {
      const isRight = to > width - 120;
      group.append(
        svg(
          'text',
          {
            class: 'to',
            x: isRight ? to - 10 : to + 10,
            y: y + 13,
            'text-anchor': isRight ? 'end' : 'start',
          },
          it.state,
        ),
      );
    }
    group.style.setProperty('--state', colourOf(it.state));
    return group;
  }
}

/** As much of a name as fits above its lane. */
function shorten(name: string, px: number): string {
  const most = Math.max(5, Math.floor((px - 4) / 7.4));
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}
