import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SystemPorts } from '../../src/actors/system.ts';
import { INIT } from '../../src/machines/messages.ts';
import { formatTrace, type Happening, happening, parseTrace } from './happening.ts';
import { type LifeOptions, SimulatedLife } from './simulated-life.ts';

const many = fc.array(happening, { maxLength: 80, size: 'max' });

/** The same lives each time: `npm run chaos -- --simulated` looks for others. */
const SEED = 1;

/** What of it is wrong, with as few happenings as it takes; undefined where nothing is found. */
async function search(numRuns: number, options: LifeOptions = {}) {
  const found = await fc.check(
    fc.asyncProperty(many, async (all) => (await SimulatedLife.live(all, options)).length === 0),
    { numRuns, seed: SEED },
  );
  const trace = found.counterexample?.[0];
  return trace && { seed: found.seed, trace, wrong: await SimulatedLife.live(trace, options) };
}

type Effects = SystemPorts['effects'];
const effects =
  (change: (right: Effects) => Partial<Effects>) =>
  (ports: SystemPorts): SystemPorts => ({
    ...ports,
    effects: { ...ports.effects, ...change(ports.effects) },
  });
const never = () => new Promise<never>(() => {});

describe('whatever happens to a daemon on a simulated host', () => {
  it('it answers each request once, tells each start and exit once, says what there is, and leaves nothing', {
    timeout: 180_000,
  }, async () => {
    const found = await search(200);
    // npm run chaos -- --simulated --replay FILE takes the trace.
    if (found)
      expect.fail(`# seed ${found.seed}\n${formatTrace(found.trace)}# ${found.wrong.join('\n# ')}\n`);
  });
});

describe('what is wrong with a daemon is found', () => {
  it.each<[string, (ports: SystemPorts) => SystemPorts, number]>([
    ['a pause that pauses nothing', effects(() => ({ pause: async () => {} })), 3],
    ['a start without an end', effects(() => ({ launch: never })), 2],
    ['a signal that is lost', effects(() => ({ signal: async () => {} })), 1],
    ['a delete that deletes nothing', effects(() => ({ delete: async () => {} })), 2],
    [
      'an exec whose pid is another’s',
      effects(({ launch }) => ({
        launch: async (input) => {
          const launched = await launch(input);
          return input.process === INIT ? launched : { ...launched, pid: 1 };
        },
      })),
      3,
    ],
    [
      'an exit that is told twice',
      (ports) => ({
        ...ports,
        publish: (notice) => {
          if (notice.type === 'exit') ports.publish(notice);
          ports.publish(notice);
        },
      }),
      2,
    ],
    [
      'a start that nobody is told of',
      (ports) => ({ ...ports, publish: (notice) => notice.type !== 'start' && ports.publish(notice) }),
      2,
    ],
  ])('%s', { timeout: 180_000 }, async (_, sabotage, most) => {
    const found = await search(300, { sabotage });
    expect(found?.wrong).not.toEqual([]);
    // What is left of the trace is what it takes.
    expect(found?.trace.filter((it) => it.do !== 'go').length).toBeLessThanOrEqual(most);
  });
});

describe('a trace', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(many, (all) => {
        expect(parseTrace(formatTrace(all))).toEqual(all);
      }),
      { numRuns: 20 },
    );
  });

  it('may have comments', () => {
    expect(parseTrace('# seed 1\ncreate id=1 restore=false # the first\n\n')).toEqual<Happening[]>([
      { do: 'create', id: 1, restore: false },
    ]);
  });

  it('ends in the same way each time', async () => {
    const trace = fc.sample(many, { numRuns: 5, seed: 7 });
    const sabotage = effects(() => ({ pause: async () => {} }));
    const twice = [0, 1].map(() => Promise.all(trace.map((it) => SimulatedLife.live(it, { sabotage }))));
    const [first, second] = await Promise.all(twice);
    expect(first).toEqual(second);
  });
});
