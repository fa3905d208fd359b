import { topOf } from '../../history/recorded.ts';
import type { StepRow } from '../wire.ts';
import { byId, html, svg } from './dom.ts';
import { colourOf, duration, STATES } from './format.ts';
import type { Actor, Store } from './store.ts';

/** How long an actor has been in each state, as far as its steps are kept. */

type Stretch = { state: string; fromMs: number; toMs: number };

export function stretchesOf(steps: StepRow[], untilMs: number): Stretch[] {
  const stretches: Stretch[] = [];
  for (const { state, atMs } of steps) {
    const last = stretches.at(-1);
    if (last?.state === state) continue;
    if (last !== undefined) last.toMs = atMs;
    stretches.push({ state, fromMs: atMs, toMs: untilMs });
  }
  return stretches;
}

const element = byId('timeline');

export function drawTimeline(actor: Actor | undefined, steps: StepRow[], nowMs: number): void {
  const stretches = stretchesOf(steps, actor?.goneMs || nowMs).filter(({ fromMs, toMs }) => toMs > fromMs);
  const totalMs = stretches.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const words = stretches.map(({ state, fromMs, toMs }) => `${state} ${duration(toMs - fromMs)}`);
  element.setAttribute('aria-label', `Time in each state: ${words.join(', ')}`);
  element.replaceChildren(
    ...stretches.map(({ state, fromMs, toMs }, n) => {
      // Short ones are to be seen too: the root of a share tells them apart better than the share.
      const share = Math.sqrt((toMs - fromMs) / (totalMs || 1));
      const span = html('span', { title: words[n] ?? '' }, words[n] ?? '');
      span.style.flex = `${share} 1 0`;
      span.style.setProperty('--state', colourOf(state));
      return span;
    }),
  );
  // Words that do not fit say less than none; the title has them.
  const spans = [...element.children];
  const tooLong = spans.map(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth);
  for (const [n, span] of spans.entries()) span.classList.toggle('narrow', tooLong[n]);
}

const counts = byId<SVGSVGElement>('counts');
const span = byId('counts-span');
const [WIDTH, HEIGHT] = [600, 32];

/** All containers by state over time, one state above the other. */
export function drawCounts({ counts: samples, nowMs }: Store): void {
  counts.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  const [first] = samples;
  if (first === undefined) {
    counts.replaceChildren();
    span.textContent = 'none yet';
    return;
  }
  const endMs = Math.max(nowMs, first.atMs + 1000);
  const most = Math.max(1, ...samples.map(({ counts: of }) => Object.values(of).reduce((a, b) => a + b, 0)));
  const xOf = (ms: number) => ((ms - first.atMs) / (endMs - first.atMs)) * WIDTH;
  const below = samples.map(() => 0);
  const areas = STATES.map((state) => {
    const [up, down]: [string[], string[]] = [[], []];
    for (const [n, { atMs, counts: of }] of samples.entries()) {
      const [x, next] = [xOf(atMs), xOf(samples[n + 1]?.atMs ?? endMs)];
      const low = below[n] ?? 0;
      const high = low + (of[state] ?? 0);
      below[n] = high;
      const y = (count: number) => HEIGHT - (count / most) * (HEIGHT - 3);
      up.push(`${x.toFixed(1)},${y(high).toFixed(1)}`, `${next.toFixed(1)},${y(high).toFixed(1)}`);
      down.unshift(`${next.toFixed(1)},${y(low).toFixed(1)}`, `${x.toFixed(1)},${y(low).toFixed(1)}`);
    }
    const area = svg('polygon', { points: [...up, ...down].join(' ') }, svg('title', {}, state));
    area.style.fill = colourOf(state);
    return area;
  });
  counts.replaceChildren(...areas);
  const now = Object.entries(samples.at(-1)?.counts ?? {}).filter(([, count]) => count > 0);
  const words = now.map(([state, count]) => `${count} ${topOf(state)}`).join(', ') || 'none';
  counts.setAttribute('aria-label', `Containers by state over ${duration(endMs - first.atMs)}; now ${words}`);
  span.textContent = `${duration(endMs - first.atMs)}, at most ${most}`;
}
