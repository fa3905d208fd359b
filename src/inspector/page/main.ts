import pictures from 'containerd:pictures';
import { eventName } from '../../history/event-name.ts';
import type { StepRow } from '../wire.ts';
import { ChartView } from './chart.ts';
import { connect, type Link } from './connection.ts';
import { Details } from './details.ts';
import { byId, onceAFrame } from './dom.ts';
import { clock, colourOf, duration } from './format.ts';
import { Store } from './store.ts';
import { drawCounts, drawTimeline } from './timeline.ts';
import { Tree } from './tree.ts';

/** The page as a whole: which actor is chosen, and which of its steps is looked at. */

const store = new Store();
const chart = new ChartView();
const slider = byId<HTMLInputElement>('step');
const liveButton = byId('live');

let chosen = '';
/** The step that is looked at; undefined: the last one, as it comes. */
let pinned: number | undefined;
let drawnStep = 0;

const LINK_WORDS: Record<Link, string> = {
  connecting: 'connecting',
  live: 'live',
  lost: 'daemon is gone, trying again',
  refused: 'another daemon is there: open the address that it has logged',
};

const stepsOfChosen = (): StepRow[] => store.steps.filter(({ session }) => session === chosen);

const tree = new Tree(store, choose);
const details = new Details(store, (step) => {
  if (step.session !== chosen) choose(step.session);
  pin(step.number);
});

const link = connect({
  link(state) {
    const element = byId('link');
    element.dataset.state = state;
    element.textContent = LINK_WORDS[state];
    store.isLive = state === 'live';
  },
  open() {
    if (chosen !== '') link.send({ type: 'watch', session: chosen });
  },
  message(message) {
    store.take(message);
    if (message.type === 'welcome') {
      byId('daemon').textContent = message.id;
      document.title = `${message.id} · containerd`;
    }
    if (message.type === 'actors') {
      // What is chosen, or named, may be in what is still to come.
      if (store.isWhole && !store.actors.has(chosen)) chooseFirst();
      tree.changed();
    }
    draw();
  },
});

/** Whatever somebody may have typed there. */
function idOf(hash: string): string {
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash;
  }
}

/** The container that the address names, or else the supervisor. */
function chooseFirst(): void {
  const id = idOf(location.hash.slice(1));
  const named = id === '' ? undefined : store.named(id);
  const session = (named ?? store.supervisor)?.session;
  if (session !== undefined) choose(session);
}

function choose(session: string): void {
  const actor = store.actors.get(session);
  if (actor === undefined || session === chosen) return;
  const before = store.actors.get(chosen);
  chosen = session;
  pinned = undefined;
  drawnStep = 0;
  const familyOf = (it: typeof actor | undefined) => (it?.kind === 'process' ? it.parent : it?.session);
  if (familyOf(before) !== familyOf(actor)) {
    store.steps = [];
    link.send({ type: 'watch', session });
  }
  const container = actor.kind === 'process' ? store.actors.get(actor.parent) : actor;
  const hash = container?.kind === 'container' ? `#${encodeURIComponent(container.id)}` : ' ';
  history.replaceState(null, '', hash === ' ' ? location.pathname + location.search : hash);
  tree.chosen(session);
  drawNow();
}

function pin(number: number | undefined): void {
  pinned = number;
  drawnStep = 0;
  drawNow();
}

const draw = onceAFrame(drawNow);

function drawNow(): void {
  const actor = store.actors.get(chosen);
  drawCounts(store);
  if (actor === undefined) {
    details.show(undefined);
    return;
  }
  const steps = stepsOfChosen();
  const found = pinned === undefined ? -1 : steps.findIndex(({ number }) => number === pinned);
  const at = found < 0 ? steps.length - 1 : found;
  const step = steps[at];
  const isLive = found < 0;
  const state = isLive && step === undefined ? actor.state : (step?.state ?? actor.state);
  drawTitle(actor, step, isLive);
  drawTimeline(actor, steps, store.nowMs);
  drawScrubber(steps, at, isLive);
  const picture = pictures[actor.kind];
  // What is drawn first has been so; what comes is seen to be taken.
  const isNew = step !== undefined && drawnStep !== step.number;
  if (isNew || step === undefined || drawnStep === 0)
    chart.show(picture, state, step, isNew && drawnStep > 0);
  const wasOther = drawnStep !== (step?.number ?? -1);
  drawnStep = step?.number ?? -1;
  // The messages are those of its family.
  if (wasOther || shownRevision !== store.revision) details.show({ actor, picture, state, step });
  shownRevision = store.revision;
}
let shownRevision = -1;

function drawTitle(
  actor: NonNullable<ReturnType<typeof store.actors.get>>,
  step: StepRow | undefined,
  isLive: boolean,
): void {
  const parent = actor.kind === 'process' ? store.actors.get(actor.parent) : undefined;
  byId('name').textContent = parent === undefined ? actor.id : `${parent.id} / ${actor.id}`;
  const where = byId('where');
  const state = isLive ? actor.state : (step?.state ?? actor.state);
  const badge = document.createElement('span');
  badge.className = 'badge';
  badge.textContent = state;
  const { nowMs } = store;
  const facts = isLive
    ? [
        actor.goneMs === 0
          ? `for ${duration(nowMs - actor.sinceMs)}`
          : `gone for ${duration(nowMs - actor.goneMs)}`,
        actor.pid === 0 ? '' : `pid ${actor.pid}`,
      ]
    : [`as it was at ${clock(step?.atMs ?? 0)}`];
  where.replaceChildren(badge, ['', ...facts.filter(Boolean)].join(' · '));
  where.style.setProperty('--state', colourOf(state));
}

function drawScrubber(steps: StepRow[], at: number, isLive: boolean): void {
  slider.max = String(Math.max(0, steps.length - 1));
  slider.value = String(at);
  slider.disabled = steps.length === 0;
  const step = steps[at];
  const words =
    step === undefined
      ? 'nothing is kept'
      : `${at + 1} of ${steps.length} · ${eventName(step.event.type, step.sender)}`;
  byId('step-name').textContent = words;
  slider.setAttribute('aria-valuetext', words);
  liveButton.setAttribute('aria-pressed', String(isLive));
}

slider.addEventListener('input', () => pin(stepsOfChosen()[Number(slider.value)]?.number));
liveButton.addEventListener('click', () => pin(undefined));
for (const [id, by] of [
  ['back', -1],
  ['forward', 1],
] as const) {
  byId(id).addEventListener('click', () => {
    const steps = stepsOfChosen();
    const next = steps[Math.min(steps.length - 1, Math.max(0, Number(slider.value) + by))];
    pin(next?.number);
  });
}

const root = document.documentElement;
root.dataset.theme = localStorage.getItem('theme') ?? '';
byId('theme').addEventListener('click', () => {
  const dark =
    root.dataset.theme === 'dark' ||
    (root.dataset.theme === '' && matchMedia('(prefers-color-scheme: dark)').matches);
  root.dataset.theme = dark ? 'light' : 'dark';
  localStorage.setItem('theme', root.dataset.theme);
});

addEventListener('hashchange', chooseFirst);
// Times go on where nothing happens.
setInterval(() => {
  if (!document.hidden) draw();
}, 1000);
