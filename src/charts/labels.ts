import type { Chart, ChartEdge, ChartNode } from './graph.ts';

/** What a picture of a chart says of its states and transitions: lines of text. */

const MAX_COLUMNS = 46;

/** What takes a transition, as its label says it: `signal`, `pause done`, `after drainTimeout`; empty for `always`. */
export function triggerOf({ kind, name }: ChartEdge): string {
  if (kind === 'done' || kind === 'error') return `${name} ${kind === 'done' ? 'done' : 'failed'}`;
  if (kind === 'after') return `after ${name}`;
  return name.replace(/^xstate\./, '');
}

/** `signal [killsInit]`. */
export const edgeLabel = (edge: ChartEdge): string =>
  [triggerOf(edge), edge.guard && `[${edge.guard}]`].filter(Boolean).join(' ');

/** Breaks a text between words. */
export function wrap(text: string, columns = MAX_COLUMNS): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ').filter(Boolean)) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= columns)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

export type Line = { kind: 'description' | 'entry' | 'exit' | 'invoke' | 'stays'; text: string };

/**
 * What stands below a state's name. Transitions that do not leave it are there in the order they are tried, those that
 * do the same for several events on one line: `update, exec [full] / reply`.
 */
export function nodeLines(chart: Chart, node: ChartNode): Line[] {
  const stays = new Map<string, { triggers: string[]; rest: string }>();
  for (const edge of chart.edges) {
    if (edge.source !== node.id || edge.target !== null) continue;
    const does = edge.actions.length > 0 ? ` / ${edge.actions.join(', ')}` : ' / nothing';
    const rest = `${edge.guard && ` [${edge.guard}]`}${does}`;
    const line = stays.get(rest) ?? { triggers: [], rest };
    line.triggers.push(triggerOf(edge) || 'always');
    stays.set(rest, line);
  }
  const lines = (kind: Line['kind'], text: string): Line[] =>
    wrap(text).map((it, n) => ({ kind, text: n === 0 ? it : `  ${it}` }));
  return [
    ...wrap(node.description).map((text): Line => ({ kind: 'description', text })),
    ...node.invokes.flatMap(({ src }) => lines('invoke', `does ${src}`)),
    ...(node.entry.length > 0 ? lines('entry', `entry / ${node.entry.join(', ')}`) : []),
    ...(node.exit.length > 0 ? lines('exit', `exit / ${node.exit.join(', ')}`) : []),
    ...[...stays.values()].flatMap(({ triggers, rest }) => lines('stays', triggers.join(', ') + rest)),
  ];
}
