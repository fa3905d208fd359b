import { clientIn, clientWords } from '../../history/client.ts';
import { eventName } from '../../history/event-name.ts';
import type { Picture } from '../pictures.ts';
import type { StepRow } from '../wire.ts';
import { activeIds } from './chart.ts';
import { byId, html, onPress } from './dom.ts';
import { clock, colourOf } from './format.ts';
import { failureIn, wordsOf } from './said.ts';
import { sequence } from './sequence.ts';
import type { Actor, Store } from './store.ts';

/** What stands on the right: the events, the messages between actors, the context, what can come next. */

export type Shown = { actor: Actor; picture: Picture; state: string; step: StepRow | undefined };

const TABS = ['events', 'sequence', 'context', 'next'] as const;
type Tab = (typeof TABS)[number];
/** The newest of them; the scrubber reaches them all. */
const MAX_LINES = 200;

export class Details {
  readonly #store: Store;
  readonly #panel = byId('panel');
  readonly #goTo: (step: StepRow) => void;
  #tab: Tab = 'events';
  #shown: Shown | undefined;
  #drawnContext: { step: StepRow; element: HTMLElement } | undefined;

  constructor(store: Store, goTo: (step: StepRow) => void) {
    this.#store = store;
    this.#goTo = goTo;
    for (const [n, tab] of TABS.entries()) {
      const button = byId(`tab-${tab}`);
      button.addEventListener('click', () => this.#open(tab));
      button.addEventListener('keydown', ({ key }) => {
        const by = { ArrowRight: 1, ArrowLeft: TABS.length - 1 }[key];
        if (by === undefined) return;
        const next = TABS[(n + by) % TABS.length] ?? 'events';
        this.#open(next);
        byId(`tab-${next}`).focus();
      });
    }
    onPress(this.#panel, (target) => this.#pressed(target));
    this.#panel.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
      if (this.#tab !== 'events' && this.#tab !== 'sequence') return;
      event.preventDefault();
      const steps = this.#steps();
      const at = steps.findIndex(({ number }) => number === this.#shown?.step?.number);
      const older = this.#tab === 'events' ? event.key === 'ArrowDown' : event.key === 'ArrowUp';
      const next = steps[at + (older ? -1 : 1)];
      if (next !== undefined) this.#goTo(next);
    });
  }

  show(shown: Shown | undefined): void {
    this.#shown = shown;
    if (shown === undefined) {
      this.#panel.replaceChildren(html('p', { class: 'chosen-none' }, 'Choose an actor on the left.'));
      return;
    }
    const { scrollTop, scrollLeft } = this.#panel;
    const part = { events: this.#events, sequence: this.#sequence, context: this.#context, next: this.#next };
    const drawn = part[this.#tab].call(this, shown);
    if (this.#panel.firstChild !== drawn) this.#panel.replaceChildren(drawn);
    this.#panel.scrollTop = scrollTop;
    this.#panel.scrollLeft = scrollLeft;
    this.#panel.querySelector('[aria-selected="true"], .chosen')?.scrollIntoView({ block: 'nearest' });
  }

  #open(tab: Tab): void {
    this.#tab = tab;
    for (const it of TABS) {
      const button = byId(`tab-${it}`);
      button.setAttribute('aria-selected', String(it === tab));
      button.tabIndex = it === tab ? 0 : -1;
    }
    this.#panel.setAttribute('aria-labelledby', `tab-${tab}`);
    this.#panel.scrollTop = 0;
    this.show(this.#shown);
  }

  #pressed(target: Element): void {
    const number = Number(target.closest<HTMLElement>('[data-step]')?.dataset.step);
    const step = this.#store.steps.find((it) => it.number === number);
    if (step === undefined) return;
    this.#goTo(step);
    // What has been pressed may be drawn anew, and cannot hand the focus on.
    this.#panel.focus({ preventScroll: true });
  }

  /** Of the chosen actor alone, as the chart is of one. */
  #steps(): StepRow[] {
    const session = this.#shown?.actor.session;
    return this.#store.steps.filter((it) => it.session === session);
  }

  #events({ step }: Shown): HTMLElement {
    const steps = this.#steps();
    const list = html('ol', { class: 'events', role: 'listbox', 'aria-label': 'Events, the newest first' });
    for (let n = steps.length - 1; n >= Math.max(0, steps.length - MAX_LINES); n--) {
      const it = steps[n];
      if (it !== undefined) list.append(this.#line(it, steps[n - 1], it.number === step?.number));
    }
    return list;
  }

  #line(step: StepRow, before: StepRow | undefined, chosen: boolean): HTMLElement {
    const { event, sender, state } = step;
    const failed = failureIn(step);
    const name = eventName(event.type, sender);
    const isOwn = name.startsWith(`${sender} `);
    const client = clientIn(event);
    const line = html(
      'li',
      { role: 'option', 'aria-selected': String(chosen), 'data-step': step.number },
      html('time', {}, clock(step.atMs)),
      html(
        'span',
        { class: 'what' },
        name,
        ...(isOwn ? [] : [html('span', { class: 'who' }, `  from ${sender}`)]),
      ),
    );
    if (client !== undefined) line.append(html('span', { class: 'then' }, clientWords(client)));
    if (before?.state !== state) {
      line.append(html('span', { class: 'then' }, '→ ', html('b', {}, state)));
    }
    if (step.began.length > 0)
      line.append(html('span', { class: 'then' }, `begins ${step.began.join(', ')}`));
    if (failed !== undefined) line.append(html('span', { class: 'said bad' }, failed));
    for (const said of step.said) {
      const { text, bad } = wordsOf(said);
      line.append(html('span', { class: bad ? 'said bad' : 'then' }, text));
    }
    line.style.setProperty('--state', colourOf(state));
    return line;
  }

  #sequence({ step, actor }: Shown): Element {
    return sequence(this.#store, actor, step, this.#panel.clientWidth);
  }

  /** The same as long as the step is: what has been opened in it stays open. */
  #context({ step, actor }: Shown): HTMLElement {
    if (step === undefined) return html('p', { class: 'chosen-none' }, `Nothing is kept of ${actor.id}.`);
    if (this.#drawnContext?.step !== step) this.#drawnContext = { step, element: contextOf(step) };
    return this.#drawnContext.element;
  }

  #next({ picture, state }: Shown): HTMLElement {
    const active = activeIds(picture, state);
    const possible = picture.chart.edges.filter(({ source }) => active.has(source));
    const leaving = possible.filter(({ target }) => target !== null);
    const staying = possible.filter(({ target }) => target === null);
    const list = (edges: typeof possible) =>
      html(
        'ul',
        {},
        ...edges.map(({ kind, name, guard, target, actions, description }) => {
          const trigger = {
            done: `${name} done`,
            error: `${name} failed`,
            after: `after ${name}`,
            always: 'at once',
            event: name,
          }[kind];
          return html(
            'li',
            {},
            html('b', {}, trigger.replace(/^xstate\./, '')),
            ...(guard ? [' ', html('code', {}, `[${guard}]`)] : []),
            ...(target === null ? [] : [' → ', html('b', {}, target.split('.').slice(1).join('.'))]),
            html('small', {}, actions.length > 0 ? actions.join(', ') : 'nothing is done'),
            ...(description ? [html('small', {}, description)] : []),
          );
        }),
      );
    return html(
      'div',
      { class: 'next' },
      html('h3', {}, leaving.length > 0 ? `Leads from ${state} to another state` : `${state} is the end`),
      list(leaving),
      html('h3', {}, 'Is heard where it is'),
      list(staying),
    );
  }
}

const contextOf = (step: StepRow): HTMLElement =>
  html(
    'div',
    { class: 'context' },
    html('h3', {}, 'Context after this step'),
    html('div', { class: 'json' }, json(step.context)),
    html('h3', {}, `Event ${step.event.type}`),
    html('div', { class: 'json' }, json(step.event)),
  );

/** A value of JSON; what is long can be closed. */
function json(value: unknown): Node {
  if (typeof value !== 'object' || value === null) {
    const kind = typeof value === 'string' ? 'text' : typeof value === 'number' ? 'number' : 'nothing';
    return html('span', { class: kind }, value === undefined ? '—' : JSON.stringify(value));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return html('span', { class: 'nothing' }, Array.isArray(value) ? '[ ]' : '{ }');
  return html(
    'div',
    {},
    ...entries.map(([key, member]) => {
      const isDeep = typeof member === 'object' && member !== null && Object.keys(member).length > 0;
      const name = html('span', { class: 'key' }, key);
      if (!isDeep) return html('p', {}, name, ' ', json(member));
      const size = Object.keys(member).length;
      const count = html('span', { class: 'nothing' }, ` ${size}`);
      return html('details', { open: size < 8 }, html('summary', {}, name, count), json(member));
    }),
  );
}
