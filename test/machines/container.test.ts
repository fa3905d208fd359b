import { describe, expect, it } from 'vitest';
import { ContainerdError } from '../../src/errors.ts';
import { containerMachine } from '../../src/machines/container.ts';
import * as tables from './container.table.ts';
import { eventsOf, invocationsOf, statesOf, timedStatesOf } from './fixtures/chart.ts';
import { PLAYED, play, REQUESTS } from './fixtures/container-columns.ts';
import { type ContainerChart, type ContainerStage, containerWithout } from './fixtures/container-stage.ts';
import { containerIn } from './fixtures/container-ways.ts';
import { type Row, readTable, stateOf } from './fixtures/table.ts';

const { EFFECTS, ...byEvent } = tables;
const effects = readTable(EFFECTS);

/** What a chart does in the state of a row, for each column of it. */
async function observed({ name, cells }: Row, chart?: ContainerChart): Promise<Row['cells']> {
  const seen: Row['cells'] = {};
  for (const column of Object.keys(cells)) seen[column] = await play(await containerIn(name, chart), column);
  return seen;
}

/** The effect that a state has invoked for the container. */
const invoked = ({ effects }: ContainerStage): string | undefined =>
  effects.open.find(({ effect }) => !['launch', 'signal', 'update'].includes(effect))?.effect;

describe.each(Object.entries(byEvent))('a container, by the table %s', (_, table) => {
  it.each(readTable(table))('does in $name what it says', async (row) => {
    expect(await observed(row)).toEqual(row.cells);
  });
});

describe('a container, by the table EFFECTS', () => {
  it.each(effects)('does in $name what it says', async ({ name, cells }) => {
    const end = async (how: { output: undefined } | 'fails') => {
      const stage = await containerIn(name);
      return stage.ends(invoked(stage) ?? '', undefined, how);
    };
    expect({
      effect: invoked(await containerIn(name)),
      done: await end({ output: undefined }),
      fails: await end('fails'),
    }).toEqual(cells);
  });

  it('undoes nothing of a start whose name another has that was left alone', async () => {
    const stage = await containerIn('created.launching.starting');
    const taken = new ContainerdError('containerExists');
    expect(await stage.does(() => stage.effects.fail('launch', { error: taken }))).toMatch(
      /^create✗.*containerExists.* slot →deleted$/,
    );
  });

  it('waits in exited.draining for execs that outlive init, and for ten seconds at the most', async () => {
    const pass = async (ms: number) => {
      const stage = await containerIn('exited.draining');
      return stage.does(async () => stage.clock.increment(ms));
    };
    expect(await pass(9_999)).toBe('·');
    expect(await pass(10_000)).toBe('report !exit →deleted');
  });
});

describe('the tables of the container', () => {
  it.each(Object.entries(byEvent))('%s has every state of the chart', (_, table) => {
    expect([...new Set(readTable(table).map(stateOf))].sort()).toEqual(statesOf(containerMachine).sort());
  });

  it('have every event of the chart, in every column that it is played in', () => {
    const columns = Object.values(byEvent).flatMap((table) => Object.keys(readTable(table)[0]?.cells ?? {}));
    expect(columns.sort()).toEqual([...new Set(Object.values(PLAYED).flat())].sort());
    expect(
      Object.keys(PLAYED)
        .filter((type) => !type.startsWith('xstate.'))
        .sort(),
    ).toEqual(eventsOf(containerMachine));
  });

  it('have every effect that a state invokes, and every state that time ends', () => {
    const rows = effects.map((row) => `${stateOf(row)}: ${row.cells.effect}`);
    expect([...new Set(rows)].sort()).toEqual(invocationsOf(containerMachine).sort());
    expect(timedStatesOf(containerMachine)).toEqual(['exited.draining']);
  });

  it('leave no request unanswered, and none aside without a reason', () => {
    const unanswered = Object.values(byEvent)
      .flatMap(readTable)
      .flatMap(({ name, cells }) => REQUESTS.map((request) => `${name}, ${request}: ${cells[request]}`))
      .filter((cell) => cell.endsWith(': -') || cell.endsWith(': ·'));
    expect(unanswered).toEqual([]);
  });

  it.each([
    ['created', 'exec', 'created.undoing'],
    ['running', 'update', 'running.settling'],
    ['running.steady', 'deleteCheckpoint', 'running.steady'],
    ['running.pausing', 'process.exited', 'running.pausing'],
    ['paused', 'checkpoint', 'paused.killing'],
    ['paused', 'terminate', 'paused.resuming'],
    ['checkpointed', 'signal', 'checkpointed'],
    ['exited', 'updateProcess', 'exited.draining'],
    ['', 'oom', 'running.steady'],
  ])('find a chart that in %s does not speak of %s', async (state, event, name) => {
    const broken = containerWithout(state, event);
    const wrong = [];
    for (const row of Object.values(byEvent)
      .flatMap(readTable)
      .filter((it) => it.name === name)) {
      const seen = await observed(row, broken).catch((error: Error) => error.message);
      if (JSON.stringify(seen) !== JSON.stringify(row.cells)) wrong.push(seen);
    }
    expect(wrong).not.toEqual([]);
  });
});
