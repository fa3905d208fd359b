import { describe, expect, it } from 'vitest';
import { enqueueActions } from 'xstate';
import { containerMachine } from '../../src/machines/container.ts';
import { containerSetup } from '../../src/machines/container-actions.ts';
import { lastNotice } from '../../src/machines/container-replies.ts';
import { processMachine } from '../../src/machines/process.ts';
import { processSetup } from '../../src/machines/process-actions.ts';
import { supervisorMachine } from '../../src/machines/supervisor.ts';
import { supervisorSetup } from '../../src/machines/supervisor-actions.ts';
import { firstOf } from '../../src/machines/waiting-line.ts';
import { EXPLORED, type ExploreOptions, explore, LEAVING } from '../../src/testing/explorer.ts';
import { DAEMON_MACHINES, type Machines } from '../../src/testing/world-charts.ts';
import { figure, testingPage } from '../docs/testing-page.ts';
import { withoutAnswer } from '../machines/fixtures/chart.ts';
import { containerWithout } from '../machines/fixtures/container-stage.ts';

const found = (machines: Partial<Record<keyof Machines, unknown>>, options: Partial<ExploreOptions> = {}) =>
  explore({ ...EXPLORED, ...options, machines: { ...DAEMON_MACHINES, ...(machines as Partial<Machines>) } })
    .finding;

const fromNothing: Partial<ExploreOptions> = { beginnings: [[]], depth: 5 };

const supervisorWithout = (state: string, event: string): unknown => {
  const config: unknown = withoutAnswer(supervisorMachine.config, state, event);
  return supervisorSetup.createMachine(config as Parameters<typeof supervisorSetup.createMachine>[0]);
};

/** The chart with other states in the place of some. */
const supervisorWith = (states: Record<string, unknown>): unknown => {
  const config: unknown = {
    ...supervisorMachine.config,
    states: { ...supervisorMachine.config.states, ...states },
  };
  return supervisorSetup.createMachine(config as Parameters<typeof supervisorSetup.createMachine>[0]);
};

describe('three containers, two clients, and exits at any time', { timeout: 240_000 }, () => {
  it.each<[string, Partial<ExploreOptions>]>([
    ['that ends its containers', { depth: 4 }],
    ['whose messages come late', { depth: 3, delivery: 'any' }],
    ['that tells of OOM kills', { depth: 4, oomKills: 1 }],
    ['that tells of OOM kills, whose messages come late', { depth: 3, delivery: 'any', oomKills: 1 }],
    ['that leaves its containers to the next one', { ...LEAVING, depth: 5 }],
    ['that leaves them, whose messages come late', { ...LEAVING, depth: 3, delivery: 'any' }],
  ])('go wrong nowhere in a daemon %s', (what, options) => {
    const { worlds, moves, depth, finding } = explore({ ...EXPLORED, ...options });
    const counted = `${figure(worlds)} worlds by ${figure(moves)} moves`;
    process.stdout.write(`a daemon ${what}: ${counted}, ${depth} deep\n`);
    expect(finding).toBeUndefined();
    expect(testingPage).toContain(`| ${what} | ${depth} | ${figure(worlds)} | ${figure(moves)} |`);
  });
});

describe('a chart that is wrong is found, with the fewest moves that show it', { timeout: 240_000 }, () => {
  it('where a request waits for ever', () => {
    expect(found({ container: containerWithout('paused.steady', 'exec') }, fromNothing)).toEqual({
      what: 'B0 is not answered, though nothing is under way',
      trace: [
        'A asks for create of c1',
        'launch of c1/init is done',
        'A asks for pause of c1',
        'B asks for exec of c1',
        'pause of c1 is done',
      ],
    });
  });

  it('where a slot is not given back', () => {
    const supervisor = supervisorWithout('', 'slot.released');
    expect(found({ supervisor }, { ...fromNothing, concurrency: 1 })).toEqual({
      what: 'B0 is not answered, though nothing is under way',
      trace: ['A asks for create of c1', 'B asks for create of c2', 'launch of c1/init is done'],
    });
  });

  it('where an exit is lost', () => {
    expect(found({ supervisor: supervisorWithout('', 'shim.exited') }, fromNothing)).toEqual({
      what: 'c1 is never deleted',
      trace: ['A asks for create of c1', 'launch of c1/init is done', 'c1/init ends'],
    });
  });

  it('where the exit of a container is told only if it had no execs', () => {
    const config: unknown = {
      ...containerMachine.config,
      output: ({ context }: { context: { id: string; execs: number } }) => ({
        id: context.id,
        told: context.execs > 0 ? null : lastNotice(context as never),
      }),
    };
    const container = containerSetup.createMachine(
      config as Parameters<typeof containerSetup.createMachine>[0],
    );
    const asks: ExploreOptions['asks'] = ['exec'];
    expect(found({ container }, { ...fromNothing, asks, containers: 1, clients: 1 })?.what).toBe(
      'nobody is told that c1 has ended',
    );
  });

  it('where it throws', () => {
    const hasEnded = () => {
      throw new Error('this is odd');
    };
    const container = containerMachine.provide({ guards: { hasEnded } });
    const finding = found({ container }, { ...fromNothing, containers: 1, clients: 1 });
    expect(finding?.what).toMatch(/^a chart fails: .*this is odd/s);
    expect(finding?.trace).toEqual(['A asks for create of c1', 'launch of c1/init is done', 'c1/init ends']);
  });

  it('where more start than there are slots', () => {
    const supervisor = supervisorMachine.provide({
      guards: { slotFree: ({ context }) => firstOf(context.queue) !== undefined },
    });
    expect(found({ supervisor }, { ...fromNothing, concurrency: 1 })).toEqual({
      what: 'c1, c2 hold a slot at once',
      trace: ['A asks for create of c1', 'B asks for create of c2'],
    });
  });

  it('where two containers have one id', () => {
    const { running } = supervisorMachine.config.states ?? {};
    const createAlways = {
      ...running,
      on: { ...running?.on, create: (running?.on?.create as unknown[] | undefined)?.slice(1) },
    };
    const supervisor = supervisorWith({ running: createAlways });
    expect(found({ supervisor }, fromNothing)).toEqual({
      what: 'c1 is in two places',
      trace: ['A asks for create of c1', 'B asks for create of c1'],
    });
  });

  it('where an exit does not wait for the deletion of a checkpoint', () => {
    const container = containerWithout('running.deletingCheckpoint', 'process.exited');
    expect(found({ container }, fromNothing)).toEqual({
      what: 'B0 is not answered, though nothing is under way',
      trace: [
        'A asks for create of c1',
        'launch of c1/init is done',
        'A asks for exec of c1',
        'B asks for deleteCheckpoint of c1',
        'c1/init ends',
        'launch of c1/exec-1 is done',
        'delete of c1 is done',
      ],
    });
  });

  it('where a daemon that is tired of waiting goes before its containers do', () => {
    const { stopping } = supervisorMachine.config.states ?? {};
    const { asking } = stopping?.states ?? {};
    const tired = { ...asking, after: { stopGrace: '#supervisor.stopped' } };
    const supervisor = supervisorWith({
      stopping: { ...stopping, states: { ...stopping?.states, asking: tired } },
    });
    expect(found({ supervisor }, fromNothing)).toEqual({
      what: 'c1 is never deleted',
      trace: [
        'A asks for create of c1',
        'the daemon is told to end',
        'the stopGrace of supervisor is over',
        'launch of c1/init is done',
        'signal of c1/init is done',
        'c1/init ends',
      ],
    });
  });

  it('where an exit is told before the OOM kill that it comes of', () => {
    const { running } = processMachine.config.states ?? {};
    const { ending } = running?.states ?? {};
    const hasty = { ...ending, always: { guard: 'allAnswered', target: '#process.exited' } };
    const config: unknown = {
      ...processMachine.config,
      states: {
        ...processMachine.config.states,
        running: { ...running, states: { ...running?.states, ending: hasty } },
      },
    };
    const process = processSetup.createMachine(config as Parameters<typeof processSetup.createMachine>[0]);
    expect(found({ process }, { ...fromNothing, oomKills: 1 })).toEqual({
      what: 'c1/init was killed for want of memory, of which nobody was told before its exit',
      trace: [
        'A asks for create of c1',
        'c1/init is killed for want of memory',
        'launch of c1/init is done',
        'delete of c1 is done',
      ],
    });
  });

  it('where the next daemon passes over the exits that it is told of too early', () => {
    const supervisor = supervisorMachine.provide({ actions: { takeExits: enqueueActions(() => {}) } });
    expect(found({ supervisor }, { ...LEAVING, ...fromNothing })).toEqual({
      what: 'c1 is never deleted',
      trace: [
        'A asks for create of c1',
        'c1/init ends',
        'the daemon is told to end',
        'launch of c1/init is done',
        'answerAll of supervisor is done',
        'delete of c1 is done',
        'the next daemon starts',
        'restore of supervisor is done',
      ],
    });
  });

  it('where a daemon goes without an answer', () => {
    const supervisor = supervisorWith({ left: { type: 'final' } });
    expect(found({ supervisor }, { ...LEAVING, ...fromNothing })).toEqual({
      what: 'A0 is not answered by a daemon that goes',
      trace: ['A asks for create of c1', 'the daemon is told to end', 'the leaveGrace of supervisor is over'],
    });
  });

  it('where a container is gone before its execs are', () => {
    const container = containerMachine.provide({ guards: { execsLeft: () => false } });
    expect(found({ container }, fromNothing)).toEqual({
      what: 'c1 was deleted, and left exec-1 (alive)',
      trace: [
        'A asks for create of c1',
        'launch of c1/init is done',
        'A asks for exec of c1',
        'launch of c1/exec-1 is done',
        'c1/init ends',
        'delete of c1 is done',
      ],
    });
  });
});
