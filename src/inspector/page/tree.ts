import { topOf } from '../../history/recorded.ts';
import { byId, html, onceAFrame, onPress } from './dom.ts';
import { colourOf, STATES } from './format.ts';
import type { Actor, Store } from './store.ts';

/** The actors on the left: only those rows exist that can be seen. */

const ROW_PX = 28;
/** Rows above and below what can be seen. */
const MARGIN = 6;

/** A state, `gone`, or empty for all. */
type Filter = string;
type Shown = { actor: Actor; level: number; index: number; of: number };

export class Tree {
  readonly #store: Store;
  readonly #choose: (session: string) => void;
  readonly #tree = byId('tree');
  readonly #rows = byId('rows');
  readonly #search = byId<HTMLInputElement>('search');
  readonly #filters = byId('filters');
  readonly #open = new Set<string>();
  #filter: Filter = '';
  #shown: Shown[] = [];
  #chosen = '';
  readonly changed = onceAFrame(() => this.#draw());

  constructor(store: Store, choose: (session: string) => void) {
    this.#store = store;
    this.#choose = choose;
    this.#search.addEventListener('input', () => {
      this.#tree.scrollTop = 0;
      this.changed();
    });
    this.#tree.addEventListener('scroll', () => this.#drawRows());
    new ResizeObserver(this.changed).observe(this.#tree);
    onPress(this.#rows, (target) => {
      const row = target.closest<HTMLElement>('.row');
      const actor = this.#store.actors.get(row?.dataset.session ?? '');
      if (actor === undefined) return;
      if (target.classList.contains('twist')) this.#toggle(actor);
      else this.#choose(actor.session);
      // The row that has been pressed may be another element by now, which cannot hand the focus on.
      this.#tree.focus({ preventScroll: true });
    });
    this.#tree.addEventListener('keydown', (event) => this.#key(event));
    this.#search.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowDown') return;
      event.preventDefault();
      this.#tree.focus();
    });
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      this.#search.focus();
    });
    onPress(this.#filters, (target) => {
      const button = target.closest('button');
      if (button === null) return;
      const { filter = '' } = button.dataset;
      this.#filter = this.#filter === filter ? '' : filter;
      this.#tree.scrollTop = 0;
      this.changed();
    });
  }

  chosen(session: string): void {
    this.#chosen = session;
    const actor = this.#store.actors.get(session);
    if (actor?.kind === 'process') this.#open.add(actor.parent);
    this.#draw();
    const index = this.#shown.findIndex((it) => it.actor.session === session);
    if (index >= 0) this.#reveal(index);
  }

  #toggle({ session }: Actor): void {
    if (!this.#open.delete(session)) this.#open.add(session);
    // At once: the next key may come before the next picture.
    this.#draw();
  }

  #reveal(index: number): void {
    const { scrollTop, clientHeight } = this.#tree;
    const top = index * ROW_PX;
    if (top < scrollTop) this.#tree.scrollTop = top;
    else if (top + ROW_PX > scrollTop + clientHeight) this.#tree.scrollTop = top + ROW_PX - clientHeight;
    this.#drawRows();
  }

  #key(event: KeyboardEvent): void {
    // The browser's own.
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.#shown.findIndex(({ actor }) => actor.session === this.#chosen);
    const page = Math.max(1, Math.floor(this.#tree.clientHeight / ROW_PX) - 1);
    const actor = this.#shown[at]?.actor;
    const to: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: this.#shown.length - 1,
    };
    const next = to[event.key];
    if (next !== undefined) {
      const found = this.#shown[Math.min(Math.max(0, next), this.#shown.length - 1)];
      if (found !== undefined) this.#choose(found.actor.session);
    } else if (event.key === 'ArrowRight' && actor?.kind === 'container') {
      if (!this.#open.has(actor.session)) this.#toggle(actor);
    } else if (event.key === 'ArrowLeft' && actor !== undefined) {
      if (this.#open.has(actor.session)) this.#toggle(actor);
      else if (actor.kind === 'process') this.#choose(actor.parent);
    } else return;
    event.preventDefault();
  }

  #fits(actor: Actor, words: string): boolean {
    if (words !== '' && !actor.id.toLowerCase().includes(words)) return false;
    if (this.#filter === '') return true;
    return this.#filter === 'gone'
      ? actor.goneMs !== 0
      : actor.goneMs === 0 && topOf(actor.state) === this.#filter;
  }

  #draw(): void {
    const { supervisor, containers } = this.#store;
    const words = this.#search.value.trim().toLowerCase();
    const there: Actor[] = [];
    const gone: Actor[] = [];
    for (const actor of containers)
      if (this.#fits(actor, words)) (actor.goneMs === 0 ? there : gone).push(actor);
    const found = [...there, ...gone];
    this.#shown = supervisor === undefined ? [] : [{ actor: supervisor, level: 1, index: 1, of: 1 }];
    for (const [index, actor] of found.entries()) {
      this.#shown.push({ actor, level: 2, index: index + 1, of: found.length });
      if (!this.#open.has(actor.session)) continue;
      for (const [index, process] of actor.children.entries())
        this.#shown.push({ actor: process, level: 3, index: index + 1, of: actor.children.length });
    }
    this.#rows.style.height = `${this.#shown.length * ROW_PX}px`;
    this.#drawRows();
    this.#drawFilters();
  }

  #drawRows(): void {
    const { scrollTop, clientHeight } = this.#tree;
    const first = Math.max(0, Math.floor(scrollTop / ROW_PX) - MARGIN);
    const last = Math.min(this.#shown.length, Math.ceil((scrollTop + clientHeight) / ROW_PX) + MARGIN);
    const rows = this.#shown.slice(first, last).map((shown, n) => this.#row(shown, first + n));
    this.#rows.replaceChildren(...rows);
    const isDrawn = rows.some(({ dataset }) => dataset.session === this.#chosen);
    if (isDrawn) this.#tree.setAttribute('aria-activedescendant', `row-${this.#chosen}`);
    else this.#tree.removeAttribute('aria-activedescendant');
  }

  #row({ actor, level, index, of }: Shown, at: number): HTMLElement {
    const isOpen = this.#open.has(actor.session);
    const twists = actor.kind === 'container' && actor.children.length > 0;
    const row = html(
      'div',
      {
        class: actor.goneMs === 0 ? 'row' : 'row gone',
        role: 'treeitem',
        id: `row-${actor.session}`,
        'data-session': actor.session,
        'aria-level': level,
        'aria-setsize': of,
        'aria-posinset': index,
        'aria-selected': String(actor.session === this.#chosen),
        'aria-expanded': twists ? String(isOpen) : undefined,
      },
      html('span', { class: 'twist', 'aria-hidden': 'true' }, twists ? (isOpen ? '▾' : '▸') : ''),
      html('span', { class: 'dot' }),
      html('span', { class: 'id' }, actor.id),
      html('span', { class: 'state' }, actor.goneMs === 0 ? actor.state : 'gone'),
    );
    row.style.top = `${at * ROW_PX}px`;
    row.style.paddingLeft = `${4 + (level - 1) * 12}px`;
    row.style.setProperty('--state', colourOf(actor.state));
    return row;
  }

  #drawFilters(): void {
    const counts = new Map<string, number>();
    for (const { goneMs, state } of this.#store.containers) {
      const key = goneMs === 0 ? topOf(state) : 'gone';
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const all = this.#store.containers.length - (counts.get('gone') ?? 0);
    const chips: [Filter, string, number][] = [
      ['', 'all', all],
      ...[...STATES, 'gone'].map((state): [Filter, string, number] => [state, state, counts.get(state) ?? 0]),
    ];
    const shown = chips.filter(([filter, , count]) => filter === '' || count > 0 || filter === this.#filter);
    const key = JSON.stringify([shown, this.#filter]);
    if (this.#filters.dataset.key === key) return;
    this.#filters.dataset.key = key;
    const focused = (document.activeElement as HTMLElement | null)?.closest<HTMLElement>('#filters button')
      ?.dataset.filter;
    this.#filters.replaceChildren(
      ...shown.map(([filter, name, count]) => {
        const dot = html('span', { class: 'dot' });
        const button = html(
          'button',
          {
            type: 'button',
            'data-filter': filter,
            'aria-pressed': String(this.#filter === filter),
            class: filter === 'gone' ? 'gone' : '',
          },
          ...(filter === '' ? [] : [dot]),
          name,
          html('b', {}, String(count)),
        );
        button.style.setProperty('--state', colourOf(name));
        return button;
      }),
    );
    if (focused !== undefined) {
      this.#filters.querySelector<HTMLElement>(`[data-filter="${focused}"]`)?.focus();
    }
  }
}
