import type { Picture } from '../pictures.ts';
import type { StepRow } from '../wire.ts';
import { type Drawn, drawPicture, runAlong } from './chart-picture.ts';
import { ChartViewport } from './chart-viewport.ts';
import { byId } from './dom.ts';
import { colourOf } from './format.ts';

/** The state chart of the chosen actor: where it is, how it came there, and where it can go. */

/** Ids of the states that are active, from the root's on. */
export function activeIds({ chart }: Picture, state: string): Set<string> {
  const [root] = chart.nodes;
  const parts = state === '' ? [] : state.split('.');
  return new Set([root?.id ?? '', ...parts.map((_, n) => `${root?.id}.${parts.slice(0, n + 1).join('.')}`)]);
}

export class ChartView {
  readonly #element = byId('chart');
  readonly #viewport = new ChartViewport(this.#element);
  readonly #drawn = new Map<Picture, Drawn>();
  #current: Drawn | undefined;

  /** Shows an actor's chart as it was after a step; `animate` where that step has just been taken. */
  show(picture: Picture, state: string, step: StepRow | undefined, animate: boolean): void {
    const drawn = this.#drawn.get(picture) ?? drawPicture(picture);
    this.#drawn.set(picture, drawn);
    const isOther = this.#current !== drawn;
    if (isOther) {
      this.#current?.root.remove();
      this.#current?.map.remove();
      this.#element.append(drawn.root, drawn.map);
      this.#current = drawn;
    }
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
      if (took.length > 0 && animate) runAlong(group, placed.points);
    }
    if (animate) this.#stay(drawn, step);
    const innermost = drawn.states.get([...active].at(-1) ?? '')?.box ?? picture.layout.nodes[0];
    if (innermost !== undefined) this.#viewport.look(drawn, innermost, !isOther);
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
}
