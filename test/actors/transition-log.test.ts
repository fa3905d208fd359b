import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createActor, createMachine } from 'xstate';
import { createTransitionLog, stateName } from '../../src/actors/transition-log.ts';

describe('the name of a state', () => {
  it.each([
    ['running', 'running'],
    [{ running: 'steady' }, 'running.steady'],
    [{ created: { launching: 'starting' } }, 'created.launching.starting'],
    [{ a: 'b', c: { d: 'e' } }, 'a.b|c.d.e'],
  ])('of %j is %s', (value, name) => {
    expect(stateName(value)).toBe(name);
  });
});

describe('the log of transitions', () => {
  const step = (id: string) =>
    createMachine({
      id,
      initial: 'one',
      states: { one: { on: { go: 'two', stay: {} } }, two: { on: { go: 'one' } } },
    });

  it('has each of every actor, with whose it is, and no other event', () => {
    const lines: object[] = [];
    const log = pino(
      { level: 'debug', base: null, timestamp: false },
      { write: (line: string) => lines.push(JSON.parse(line)) },
    );
    const supervisor = createActor(step('supervisor'), { inspect: createTransitionLog(log) }).start();
    const container = createActor(step('container'), { parent: supervisor, id: 'box' }).start();
    const init = createActor(step('process'), { parent: container, id: 'init' }).start();
    lines.length = 0;
    for (const actor of [supervisor, container, init]) {
      actor.send({ type: 'stay' });
      actor.send({ type: 'go' });
    }
    const line = { level: 20, msg: 'transition', from: 'one', to: 'two', event: 'go' };
    expect(lines).toEqual([
      { ...line, container: '', actor: '' },
      { ...line, container: 'box', actor: '' },
      { ...line, container: 'box', actor: 'init' },
    ]);
  });

  it('begins with the first state of an actor', () => {
    const lines: { from: string; to: string; event: string }[] = [];
    const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
    createActor(step('supervisor'), { inspect: createTransitionLog(log) }).start();
    expect(lines).toMatchObject([{ from: '', to: 'one', event: 'xstate.init' }]);
  });
});
