import type { ActorRow, CountsRow, StepRow, ToPage } from '../wire.ts';

/** What the page knows: it is told by the daemon, and tells its parts that they are to be drawn again. */

export type Actor = ActorRow & { children: Actor[] };

export class Store {
  readonly actors = new Map<string, Actor>();
  /** In the order in which they came; at first, those that are there before those that are gone. */
  containers: Actor[] = [];
  supervisor: Actor | undefined;
  /** Whether all actors that there are have been told of. */
  isWhole = false;
  counts: CountsRow[] = [];
  /** Of the chosen actor's family. */
  steps: StepRow[] = [];
  /** Another whenever the steps are others. */
  revision = 0;
  family = '';
  id = '';
  /** The daemon's clock less ours. */
  skewMs = 0;
  /** When the daemon was heard last, by our clock; undefined while it is there. */
  #lostMs: number | undefined;

  /** Of a daemon that is not there nobody knows how time goes on. */
  get nowMs(): number {
    return (this.#lostMs ?? Date.now()) + this.skewMs;
  }

  set isLive(isLive: boolean) {
    this.#lostMs = isLive ? undefined : (this.#lostMs ?? Date.now());
  }

  take(message: ToPage): void {
    switch (message.type) {
      case 'welcome':
        this.id = message.id;
        this.skewMs = message.nowMs - Date.now();
        break;
      case 'actors':
        this.skewMs = message.nowMs - Date.now();
        this.#takeActors(message);
        break;
      case 'counts':
        this.#takeCounts(message);
        break;
      case 'steps':
        this.revision += 1;
        if (message.reset) {
          this.family = message.of;
          this.steps = [];
        }
        if (message.of === this.family) this.#addSteps(message.rows);
        break;
    }
  }

  #takeActors({ reset, whole, rows, forgotten }: ToPage & { type: 'actors' }): void {
    this.isWhole = whole || (this.isWhole && !reset);
    if (reset) {
      this.actors.clear();
      this.containers = [];
    }
    for (const row of rows) {
      const known = this.actors.get(row.session);
      if (known !== undefined) {
        Object.assign(known, row);
        continue;
      }
      const actor: Actor = { ...row, children: [] };
      this.actors.set(row.session, actor);
      if (actor.kind === 'supervisor') this.supervisor = actor;
      else if (actor.kind === 'container') this.containers.push(actor);
      else this.actors.get(row.parent)?.children.push(actor);
    }
    // A process may be told of before its container.
    for (const { session, parent, kind } of rows) {
      const [actor, above] = [this.actors.get(session), this.actors.get(parent)];
      if (kind === 'process' && actor && above && !above.children.includes(actor)) above.children.push(actor);
    }
    for (const session of forgotten) this.#forget(session);
    if (forgotten.length > 0) {
      this.containers = this.containers.filter((it) => this.actors.has(it.session));
    }
  }

  /** The container of that name that is there, or else the one that was there last. */
  named(id: string): Actor | undefined {
    const all = this.containers.filter((it) => it.id === id);
    return all.find(({ goneMs }) => goneMs === 0) ?? all.toSorted((a, b) => a.goneMs - b.goneMs).at(-1);
  }

  #forget(session: string): void {
    const actor = this.actors.get(session);
    if (actor === undefined) return;
    this.actors.delete(session);
    this.steps = this.steps.filter((it) => it.session !== session);
    this.revision += 1;
    const above = this.actors.get(actor.parent);
    if (above !== undefined) above.children = above.children.filter((it) => it !== actor);
  }

  #takeCounts({ reset, samples }: ToPage & { type: 'counts' }): void {
    // The last one that is known may be another now.
    const fromMs = samples[0]?.atMs ?? Number.POSITIVE_INFINITY;
    this.counts = [...(reset ? [] : this.counts.filter(({ atMs }) => atMs < fromMs)), ...samples];
  }

  #addSteps(rows: StepRow[]): void {
    // What came with all that is kept may come once more, with what is new.
    const known = new Set(this.steps.map(({ session, number }) => `${session} ${number}`));
    this.steps.push(...rows.filter(({ session, number }) => !known.has(`${session} ${number}`)));
    // An event that is passed on has done its work below before it has above.
    this.steps.sort((a, b) => a.number - b.number);
    if (this.steps.length > 2048) this.steps.splice(0, this.steps.length - 2048);
  }
}
