import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContainerRequest } from '../../src/machines/messages.ts';
import { broken, processOf, reactions } from './fixtures/by-hand.ts';
import { type ContainerChart, ContainerStage, containerWithout } from './fixtures/container-stage.ts';
import {
  checkpoint,
  create,
  deleteCheckpoint,
  ended,
  exec,
  pause,
  resize,
  resume,
  signal,
  update,
} from './fixtures/requests.ts';

/** Something that happens to a container; `at` picks among what there is, and where there is nothing, nothing happens. */
type Happening =
  | { type: 'slot' }
  | { type: 'request'; request: ContainerRequest }
  | { type: 'cancel'; at: number }
  | { type: 'effect'; at: number; fails: boolean }
  | { type: 'end'; at: number }
  | { type: 'oom'; kills: number }
  | { type: 'terminate'; signal: number };

const pids = fc.constantFrom(0, 100, 101, 102, 4711);
const signals = fc.constantFrom(0, 9, 15);
const requests: fc.Arbitrary<ContainerRequest> = fc.oneof(
  signals.map((it) => update({ signal: it })),
  signals.map((it) => pause({ signal: it })),
  signals.map((it) => resume({ signal: it })),
  fc.record({ pid: pids, signal: signals }).map((of) => signal(of)),
  pids.map((pid) => resize({ pid })),
  fc.constant(0).map(() => exec()),
  fc.boolean().map((exit) => checkpoint({ exit })),
  fc.constant(0).map(() => deleteCheckpoint()),
);
const request = requests.map((it) => ({ type: 'request' as const, request: it }));
const effect = fc.record({
  type: fc.constant('effect' as const),
  at: fc.nat(9),
  fails: fc.constantFrom(false, false, false, true),
});
const rest = fc.oneof(
  fc.record({ type: fc.constant('cancel' as const), at: fc.nat(9) }),
  fc.record({ type: fc.constant('end' as const), at: fc.nat(9) }),
  fc.constantFrom({ type: 'slot' as const }),
  fc.record({ type: fc.constant('oom' as const), kills: fc.nat(3) }),
  fc.constantFrom({ type: 'terminate' as const, signal: 15 }, { type: 'terminate' as const, signal: 9 }),
);
const succeeds: Happening = { type: 'effect', at: 0, fails: false };
/** Many begin with a container that has come some way already, so that all of its life is seen. */
const beginnings: Happening[][] = [
  [],
  [{ type: 'slot' }],
  [{ type: 'slot' }, succeeds],
  [{ type: 'slot' }, succeeds, { type: 'request', request: pause() }, succeeds],
];
const happenings = fc
  .tuple(
    fc.constantFrom(...beginnings),
    fc.array(
      fc.oneof(
        { weight: 10, arbitrary: request },
        { weight: 8, arbitrary: effect },
        { weight: 2, arbitrary: rest },
      ),
      { maxLength: 40 },
    ),
  )
  .map(([first, then]): Happening[] => [...first, ...then]);

/** A container of the chart in a world that makes things happen to it, and ends it at last. */
class Life extends ContainerStage {
  readonly asked: string[] = ['create'];
  #granted = false;
  /** The pids of processes that run, by name, and of those that have ended before runc said theirs. */
  readonly #living = new Map<string, number>();
  readonly #diedEarly = new Map<string, number>();
  #lastPid = 99;

  async let(happening: Happening): Promise<void> {
    if (this.isOver) return;
    switch (happening.type) {
      case 'slot':
        return this.grant();
      case 'request': {
        const requestId = `request-${this.asked.length}`;
        this.asked.push(requestId);
        return this.send({ ...happening.request, requestId });
      }
      case 'cancel':
        return this.send({ type: 'cancel', id: 'c', requestId: pick(this.asked, happening.at) ?? '' });
      case 'effect':
        return this.settle(happening.at, happening.fails);
      case 'end':
        return this.die(pick([...this.#living.keys(), ...this.#launching()], happening.at));
      case 'oom':
      case 'terminate':
        return this.send(happening);
    }
  }

  /** What is under way ends, then init dies, then all the others. */
  async toTheEnd(): Promise<void> {
    await this.grant();
    await this.#rest();
    await this.die('init');
    await this.#rest();
    for (const process of this.#living.keys()) await this.die(process);
    await this.#rest();
  }

  /** What is wrong with how it is now. */
  wrong(): string[] {
    const listed = this.processes.filter((process) => process !== 'init');
    const actors = this.actors.filter((process) => process !== 'init');
    if (this.isOver || String(listed) === String(actors)) return [];
    return [`in ${this.state} it lists ${listed}, and has actors for ${actors}`];
  }

  /** What was wrong with its life as a whole. */
  wrongAtLast(): string[] {
    const wrong = this.isOver ? [] : [`it is ${this.state} for ever`];
    for (const requestId of this.asked) {
      const answers = this.log.filter(
        (it) => it.startsWith(`${requestId}✓`) || it.startsWith(`${requestId}✗`),
      );
      if (answers.length !== 1) wrong.push(`${requestId} was answered ${answers.length} times`);
    }
    const slots = this.log.filter((it) => it === 'slot').length;
    if (slots !== (this.#granted ? 1 : 0)) wrong.push(`its slot was given back ${slots} times`);
    if (this.log.includes('stray')) wrong.push('it did not know a process of its own');
    return wrong;
  }

  /** The supervisor gives a slot once, to a container that waits for one. */
  async grant(): Promise<void> {
    if (this.#granted || this.isOver) return;
    this.#granted = true;
    await this.send({ type: 'slot.granted' });
  }

  async settle(at: number, fails: boolean): Promise<void> {
    const asked = pick(this.effects.open, at);
    if (asked === undefined) return;
    this.effects.open.splice(this.effects.open.indexOf(asked), 1);
    const process = processOf(asked) ?? '';
    if (fails && !this.#diedEarly.has(process)) asked.reject(broken);
    else if (asked.effect === 'launch') {
      const pid = this.#diedEarly.get(process) ?? this.#nextPid();
      if (!this.#diedEarly.has(process)) this.#living.set(process, pid);
      asked.resolve({ pid, startTime: '1' });
    } else asked.resolve(undefined);
    await reactions();
  }

  async die(process: string | undefined): Promise<void> {
    if (process === undefined || this.isOver) return;
    const pid = this.#living.get(process) ?? this.#diedEarly.get(process) ?? this.#nextPid();
    if (!this.#living.delete(process)) this.#diedEarly.set(process, pid);
    await this.send(ended({ process, pid }));
  }

  #nextPid(): number {
    this.#lastPid += 1;
    return this.#lastPid;
  }

  #launching(): string[] {
    return this.effects.open
      .filter(({ effect }) => effect === 'launch')
      .map((asked) => processOf(asked) ?? '')
      .filter((process) => !this.#diedEarly.has(process));
  }

  async #rest(): Promise<void> {
    while (!this.isOver && this.effects.open.length > 0) await this.settle(0, false);
  }
}

const pick = <T>(all: readonly T[], at: number): T | undefined => all[at % Math.max(all.length, 1)];

/** Lets all of it happen to a container of the chart, then the end; gives what was wrong with its life. */
async function live(all: readonly Happening[], fromCheckpoint: boolean, chart?: ContainerChart) {
  const life = new Life(chart, create({ requestId: 'create', checkpoint: fromCheckpoint ? 'one' : '' }));
  const wrong: string[] = [];
  for (const happening of all) {
    await life.let(happening);
    wrong.push(...life.wrong());
  }
  await life.toTheEnd();
  return [...wrong, ...life.wrongAtLast()];
}

describe('whatever happens to a container', () => {
  it('it answers each request once, lists the processes that it has, gives its slot back, and ends once init has', async () => {
    await fc.assert(
      fc.asyncProperty(happenings, fc.boolean(), async (all, fromCheckpoint) => {
        expect(await live(all, fromCheckpoint)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['paused', 'update'],
    ['running', 'checkpoint'],
    ['running.pausing', 'process.exited'],
    ['exited', 'signal'],
    ['created', 'exec'],
    ['', 'process.failed'],
  ])('a chart that in %s does not speak of %s is found to be wrong', async (state, event) => {
    const chart = containerWithout(state, event);
    const found = await fc.check(
      fc.asyncProperty(happenings, async (all) => (await live(all, false, chart)).length === 0),
      { numRuns: 2_000, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
  });
});
