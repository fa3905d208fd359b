import { and, not, or } from 'xstate';

/** How a chart's guards and actions are called: what XState has them as, in a word. */

type Named = { type: string };
type Composite = { guards?: unknown[]; stateValue?: unknown; check?: unknown };

/** What evaluates them is all that tells XState's composite guards apart. */
const OPERATORS = new Map(
  Object.entries({ and: and(['']), or: or(['']), not: not('') }).map(([operator, guard]) => [
    (guard as Composite).check,
    operator,
  ]),
);

const isNamed = (value: unknown): value is Named =>
  typeof value === 'object' && value !== null && typeof (value as Named).type === 'string';

/** `{ created: 'ended' }` as `created.ended`. */
const pathOf = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? Object.entries(value)
        .map(([key, inner]) => `${key}.${pathOf(inner)}`)
        .join(' and ')
    : String(value);

/**
 * A guard's name; `not launching`, `allAnswered and tellsOom`, `in created.ended` for those that XState puts together;
 * empty for none. Throws for a function of the chart's own.
 */
export function guardName(guard: unknown): string {
  if (guard === undefined) return '';
  if (typeof guard === 'string') return guard;
  if (isNamed(guard)) return guard.type;
  const { guards = [], stateValue, check } = guard as Composite;
  if (stateValue !== undefined) return `in ${pathOf(stateValue)}`;
  const operator = OPERATORS.get(check);
  const parts = guards.map(guardName);
  if (operator === undefined) throw new Error('a guard has no name');
  return operator === 'not' ? `not ${parts[0]}` : parts.join(` ${operator} `);
}

/** An action's name. Throws for a function of the chart's own, which could be neither shown nor provided. */
export function actionName(action: unknown): string {
  const type = typeof action === 'string' ? action : (action as Partial<Named>).type;
  if (typeof type !== 'string') throw new Error('an action has no name');
  return type;
}

/** Whether the chart names it itself: XState adds those that start and stop the clock of `after`. */
export const isOfTheChart = (name: string): boolean => !/^xstate\.(raise|cancel)$/.test(name);
