import { describe, expect, it } from 'vitest';
import { assign, createMachine, not, setup, stateIn } from 'xstate';
import { CHART_NAMES, MACHINES } from '../../src/charts/charts.ts';
import { chartOf } from '../../src/charts/graph.ts';
import { statesOf } from '../machines/fixtures/chart.ts';

const lamp = setup({
  types: { events: {} as { type: 'press' } | { type: 'break' } },
  guards: { powered: () => true },
  actions: { click: () => {} },
  delays: { warmth: 10 },
}).createMachine({
  id: 'lamp',
  initial: 'off',
  states: {
    off: {
      on: {
        press: [
          { guard: not('powered'), description: 'No current.' },
          { target: 'on', actions: ['click', assign({})] },
        ],
      },
    },
    on: {
      description: 'It shines.',
      tags: 'bright',
      entry: 'click',
      initial: 'cold',
      on: { break: { guard: stateIn({ on: 'warm' }), target: 'broken' } },
      states: { cold: { after: { warmth: 'warm' } }, warm: {} },
    },
    broken: { type: 'final' },
  },
});

describe('a chart as plain data', () => {
  const chart = chartOf(lamp as never);

  it('has the states with what is said of them', () => {
    expect(chart.nodes.map(({ path, kind, initial }) => [path, kind, initial])).toEqual([
      ['', 'compound', 'lamp.off'],
      ['off', 'atomic', null],
      ['on', 'compound', 'lamp.on.cold'],
      ['on.cold', 'atomic', null],
      ['on.warm', 'atomic', null],
      ['broken', 'final', null],
    ]);
    expect(chart.nodes[2]).toMatchObject({ description: 'It shines.', tags: ['bright'], entry: ['click'] });
    expect(chart.nodes[3]).toMatchObject({ parent: 'lamp.on', entry: [], exit: [] });
  });

  it('has the transitions in the order they are tried, with guards in words', () => {
    expect(
      chart.edges.map(({ source, target, kind, name, guard, actions }) => [
        source,
        target,
        kind,
        name,
        guard,
        actions,
      ]),
    ).toEqual([
      ['lamp.off', null, 'event', 'press', 'not powered', []],
      ['lamp.off', 'lamp.on', 'event', 'press', '', ['click', 'xstate.assign']],
      ['lamp.on', 'lamp.broken', 'event', 'break', 'in on.warm', []],
      ['lamp.on.cold', 'lamp.on.warm', 'after', 'warmth', '', []],
    ]);
  });

  it('cannot be made of code without a name', () => {
    const nameless = createMachine({ on: { press: { guard: () => true } } });
    expect(() => chartOf(nameless)).toThrow('a guard has no name');
    expect(() => chartOf(createMachine({ entry: () => {} }))).toThrow('an action has no name');
  });

  it.each(CHART_NAMES)('has of the %s all states, and ids that are unique', (name) => {
    const { nodes, edges } = chartOf(MACHINES[name]);
    expect(nodes.filter(({ kind }) => kind === 'atomic').map(({ path }) => path)).toEqual(
      statesOf(MACHINES[name]),
    );
    const ids = [...nodes, ...edges].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(JSON.parse(JSON.stringify({ nodes, edges }))).toEqual({ nodes, edges });
  });
});
