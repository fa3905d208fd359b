import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode, EventObject } from 'xstate';
import { type Output, pureChart, type Step } from './pure-chart.ts';

/** What a chart has done on an event: the number of its next state, and what it wants done. */
export type LocalStep = { state: number; outputs: readonly Output[] };

/** A delay that has begun: its name in the chart, and the event by which it is over. */
export type Timer = { name: string; event: EventObject };

const timersOf = ({ status, _nodes }: AnyMachineSnapshot): Timer[] =>
  status === 'active'
    ? (_nodes as AnyStateNode[]).flatMap(({ after }) =>
        after.map(({ eventType, delay }) => ({ name: String(delay), event: { type: eventType } })),
      )
    : [];

/** A chart whose states have numbers and whose steps are remembered: many worlds hold the same few of them. */
export type LocalStates = {
  first(input: unknown): LocalStep;
  /** `asked` is what guards look at beside the state and the event. An actor that has ended hears nothing. */
  next(state: number, event: EventObject, asked?: string): LocalStep;
  /** The state of a snapshot that was persisted. */
  restored(persisted: unknown): number;
  snapshot(state: number): AnyMachineSnapshot;
  /** What it does after a while in this state, unless it leaves it before. */
  timers(state: number): readonly Timer[];
  /** The same number for states that differ in the id of their container alone. */
  shape(state: number): number;
};

const keyOf = ({ value, context, status, children }: AnyMachineSnapshot): string =>
  JSON.stringify([value, context, status, Object.keys(children).sort()]);

export function localStates(machine: AnyStateMachine): LocalStates {
  const chart = pureChart(machine);
  const numbers = new Map<string, number>();
  const snapshots: AnyMachineSnapshot[] = [];
  const steps = new Map<string, LocalStep>();
  const remembered = (name: string, run: () => Step): LocalStep => {
    const known = steps.get(name);
    if (known !== undefined) return known;
    const { snapshot, outputs } = run();
    const key = keyOf(snapshot);
    const state = numbers.get(key) ?? snapshots.push(snapshot) - 1;
    numbers.set(key, state);
    const step = { state, outputs };
    steps.set(name, step);
    return step;
  };
  const snapshot = (state: number): AnyMachineSnapshot => {
    const found = snapshots[state];
    if (found === undefined) throw new Error(`no state has the number ${state}`);
    return found;
  };
  const shapes: number[] = [];
  const shapeNumbers = new Map<string, number>();
  const shape = (state: number): number => {
    const known = shapes[state];
    if (known !== undefined) return known;
    const { context } = snapshot(state);
    const key = keyOf(snapshot(state)).replaceAll(JSON.stringify(context.id), '"#"');
    const number = shapeNumbers.get(key) ?? shapeNumbers.size;
    shapeNumbers.set(key, number);
    shapes[state] = number;
    return number;
  };
  return {
    shape,
    first: (input) => remembered(JSON.stringify(input), () => chart.first(input)),
    next: (state, event, asked = '') =>
      snapshot(state).status === 'active'
        ? remembered(`${state} ${asked} ${JSON.stringify(event)}`, () => chart.next(snapshot(state), event))
        : { state, outputs: [] },
    restored: (persisted) =>
      remembered(`restored ${JSON.stringify(persisted)}`, () => ({
        snapshot: chart.restored(persisted),
        outputs: [],
      })).state,
    snapshot,
    timers: (state) => timersOf(snapshot(state)),
  };
}
