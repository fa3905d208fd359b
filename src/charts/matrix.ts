import type { AnyStateMachine, AnyStateNode } from 'xstate';
import type { Reply } from '../machines/messages.ts';
import { actionName, guardName } from './names.ts';

/** What each state of a chart answers to each request, read from the chart and the states around it. */

type Transition = {
  target: readonly AnyStateNode[] | undefined;
  guard?: unknown;
  actions: readonly unknown[];
};
type WithParams = { params?: (of: { context: object; event: object }) => unknown };

const leavesOf = (node: AnyStateNode): AnyStateNode[] =>
  node.type === 'atomic'
    ? [node]
    : Object.values(node.states).flatMap((child: AnyStateNode) => leavesOf(child));

/** Those of the state and, where its guards may all say no, of the states that it is part of. */
function transitionsOf(node: AnyStateNode | undefined, event: string): Transition[] {
  if (node === undefined) return [];
  const own = (node.transitions.get(event) ?? []) as unknown as Transition[];
  const isSure = own.some(({ guard }) => guard === undefined);
  return isSure ? own : [...own, ...transitionsOf(node.parent, event)];
}

/** What a reply of the chart says, whoever asked. */
function answerOf(action: unknown): string {
  const reply = (action as WithParams).params?.({ context: { id: '' }, event: {} }) as Reply | undefined;
  if (reply === undefined) throw new Error('a reply says nothing');
  return reply.outcome.ok ? '✓' : `✗ ${reply.outcome.failure.error}`;
}

function outcomeOf({ target, actions }: Transition): string {
  const names = actions.map(actionName);
  const reply = actions.find((_, n) => names[n] === 'reply');
  if (target?.[0] !== undefined) return `→ ${target[0].path.join('.')}`;
  if (reply !== undefined) return answerOf(reply);
  return names.includes('defer') ? 'waits' : names.join(', ');
}

/** A cell: the first guard that holds decides. */
function cellOf(node: AnyStateNode, event: string): string {
  const parts = transitionsOf(node, event).map((transition) => {
    const guard = guardName(transition.guard);
    return `${guard && `[${guard}] `}${outcomeOf(transition)}`;
  });
  return parts.join('; ') || 'nothing';
}

/** A table in Markdown: a row for each state that the chart can be in, a column for each of the events. */
export function matrixOf(machine: AnyStateMachine, events: readonly string[]): string {
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['state', ...events]),
    row(['---', ...events.map(() => '---')]),
    ...leavesOf(machine.root).map((node) =>
      row([node.path.join('.'), ...events.map((event) => cellOf(node, event))]),
    ),
  ].join('\n');
}

/** What clients ask of a container. */
export const REQUESTS = [
  'update',
  'signal',
  'exec',
  'updateProcess',
  'checkpoint',
  'deleteCheckpoint',
] as const;

const BEGIN = '<!-- matrix, by npm run charts -->';
const END = '<!-- end of the matrix -->';

/** The page with the matrix as it is now between its marks. Throws where it has none. */
export function withMatrix(page: string, matrix: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error('the page has no place for the matrix');
  return `${before}${BEGIN}\n\n${matrix}\n\n${END}${after}`;
}
