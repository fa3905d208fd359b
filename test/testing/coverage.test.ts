import { describe, expect, it } from 'vitest';
import { assign, createActor, createMachine, setup } from 'xstate';
import { Coverage, printCoverage } from '../../src/testing/coverage.ts';

/** A door that opens for whoever has the key, and closes behind the third. */
const door = setup({
  types: {} as {
    context: { passed: number };
    events: { type: 'open'; key: boolean } | { type: 'pass' } | { type: 'knock' } | { type: 'ring' };
  },
  guards: {
    hasKey: (_, key: boolean) => key,
    thirdHasPassed: ({ context }) => context.passed === 3,
    never: () => false,
  },
}).createMachine({
  id: 'door',
  context: { passed: 0 },
  initial: 'closed',
  on: { knock: {}, ring: {} },
  states: {
    closed: {
      initial: 'locked',
      on: { open: 'open' },
      states: {
        locked: {
          on: {
            open: { guard: { type: 'hasKey', params: ({ event }) => event.key }, target: 'unlocked' },
            ring: { guard: 'never' },
          },
        },
        unlocked: {},
      },
    },
    open: {
      on: { pass: { actions: assign({ passed: ({ context }) => context.passed + 1 }) } },
      always: { guard: 'thirdHasPassed', target: 'closed' },
    },
  },
});

type Sent = Parameters<ReturnType<typeof createActor<typeof door>>['send']>[0];

/** What doors have been passed through of, one for each of these lists of events. */
function coverageOf(...lives: Sent[][]): Coverage {
  const coverage = new Coverage(door);
  for (const events of lives) {
    const actor = createActor(door, { inspect: coverage.inspect }).start();
    for (const event of events) actor.send(event);
  }
  return coverage;
}

const withKey: Sent = { type: 'open', key: true };
const withoutKey: Sent = { type: 'open', key: false };
const pass: Sent = { type: 'pass' };

describe('coverage of a chart', () => {
  it('has all of it missing before anything has run', () => {
    const { chart, states, transitions, guards } = new Coverage(door).report();
    expect(chart).toBe('door');
    for (const { all, missing } of [states, transitions, guards]) expect(missing).toEqual(all);
    expect(states.all).toHaveLength(5);
    expect(transitions.all).toHaveLength(7);
    expect(guards.all).toHaveLength(6);
  });

  it('has the states that a machine begins in, and those that they are in', () => {
    expect(coverageOf([]).report().states.missing).toEqual(['door.closed.unlocked', 'door.open']);
  });

  it('counts each transition as often as it is taken, by whichever actor', () => {
    const { taken } = coverageOf([withKey, withKey, pass, pass], [withoutKey, pass]);
    expect(Object.fromEntries(taken)).toEqual({
      'door.closed:open:0': 2,
      'door.closed.locked:open:0': 1,
      'door.open:pass:0': 3,
    });
  });

  it('has transitions that are taken without an event, and the states that they lead to', () => {
    const { taken } = coverageOf([withoutKey, pass, pass, pass]);
    expect(taken.get('door.open::0')).toBe(1);
  });

  it('has a guard that said yes', () => {
    expect(coverageOf([withKey]).report().guards.missing).not.toContain('door.closed.locked:open:0 yes');
  });

  it('has a guard that said no where another transition was taken instead', () => {
    const { missing } = coverageOf([withoutKey]).report().guards;
    expect(missing).not.toContain('door.closed.locked:open:0 no');
    expect(missing).toContain('door.closed.locked:open:0 yes');
  });

  it('does not have a guard that nobody asked', () => {
    const { missing } = coverageOf([withKey, withKey]).report().guards;
    expect(missing).toContain('door.closed.locked:open:0 no');
  });

  it('has a guard of a state that rests as it is, having said no', () => {
    const { missing } = coverageOf([withoutKey, pass]).report().guards;
    expect(missing).not.toContain('door.open::0 no');
    expect(missing).toContain('door.open::0 yes');
  });

  it('has a guard that said no where nothing was taken', () => {
    const machine = setup({ guards: { never: () => false } }).createMachine({
      id: 'wall',
      initial: 'whole',
      states: { whole: { on: { push: { guard: 'never', target: 'broken' } } }, broken: {} },
    });
    const coverage = new Coverage(machine);
    createActor(machine, { inspect: coverage.inspect }).start().send({ type: 'push' });
    expect(coverage.report().guards.missing).toEqual(['wall.whole:push:0 yes']);
    expect(coverage.report().transitions.missing).toEqual(['wall.whole:push:0']);
  });

  it('passes over actors of other charts in the same system', () => {
    const coverage = new Coverage(door);
    const house = createMachine({ id: 'house', invoke: { src: door } });
    createActor(house, { inspect: coverage.inspect }).start();
    expect(coverage.report().states.missing).toEqual(['door.closed.unlocked', 'door.open']);
  });

  it('is printed with the names of what is missing', () => {
    const report = coverageOf([withoutKey, pass, pass, pass, withKey, { type: 'knock' }]).report();
    expect(printCoverage(report)).toBe(
      `door: 5 of 5 states
door: 5 of 7 transitions
  not reached: door:ring:0
  not reached: door.closed.locked:ring:0
door: 4 of 6 guards
  not reached: door.closed.locked:ring:0 yes
  not reached: door.closed.locked:ring:0 no
`,
    );
  });
});
