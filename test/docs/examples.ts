/**
 * The examples of a page: what stands in its ```console fences. A line that begins with `$ ` is a command, which goes
 * on in the lines that begin with `> ` as a shell would prompt for them; the lines after it are what it prints.
 * There, `…` stands for whatever varies within a line, and a line of nothing else for any number of lines; two or more
 * blanks within a line stand for any such gap, since a column moves with what stands in its rows. A line
 * `^C` (or `^D`, …) is that key, pressed once everything above it has been printed.
 */
export type Example = {
  /** Of its page, counted from 1. */
  line: number;
  command: string;
  /** What is printed, as it is written on the page: before the first key, between it and the next, and so on. */
  output: string[][];
  /** One less than `output` has parts. */
  keys: string[];
};

const KEY = /^\^[A-Z]$/;

/** The examples of a page, in its order. Throws where a fence does not begin with a command. */
export function examplesIn(markdown: string): Example[] {
  const examples: Example[] = [];
  let example: Example | undefined;
  let inFence = false;
  for (const [index, text] of markdown.split('\n').entries()) {
    if (text.startsWith('```')) {
      inFence = !inFence && /^```console\b/.test(text);
      example = undefined;
    } else if (inFence && text.startsWith('$ ')) {
      example = { line: index + 1, command: text.slice(2), output: [[]], keys: [] };
      examples.push(example);
    } else if (inFence && example === undefined) {
      throw new Error(`line ${index + 1} is the output of no command: ${text}`);
    } else if (inFence && example !== undefined) {
      const isCommand = example.keys.length === 0 && example.output[0]?.length === 0;
      if (isCommand && text.startsWith('> ')) example.command += `\n${text.slice(2)}`;
      else if (KEY.test(text)) {
        example.keys.push(text);
        example.output.push([]);
      } else example.output.at(-1)?.push(text);
    }
  }
  return examples;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** An expected line as a pattern; blanks at the end of a line are no difference that a reader sees. */
function patternOf(line: string): RegExp {
  const [, indent = '', text = ''] = /^( *)(.*)$/u.exec(line.trimEnd()) ?? [];
  const pattern = text
    .split(/( {2,}|…)/u)
    .map((part) => (part === '…' ? '.*' : /^ {2,}$/.test(part) ? ' {2,}' : escaped(part)))
    .join('')
    // A number that is wider than the page's leaves one blank of a gap.
    .replaceAll(' {2,}.*', ' +.*')
    .replaceAll('.* {2,}', '.* +');
  return new RegExp(`^${indent}${pattern}$`, 'u');
}

/**
 * Whether these lines are what the page says; `open` if more may follow. Blank lines at the end of either are nothing.
 */
export function matches(expected: string[], got: string[], { open = false } = {}): boolean {
  const patterns = withoutBlankEnd(expected).map((line) => (line.trim() === '…' ? 'any' : patternOf(line)));
  const lines = withoutBlankEnd(got).map((line) => line.trimEnd());
  // The numbers of lines that the patterns so far can have taken.
  let taken = new Set([0]);
  for (const pattern of patterns) {
    const next = new Set<number>();
    for (const count of taken) {
      if (pattern === 'any') for (let more = count; more <= lines.length; more++) next.add(more);
      else if (pattern.test(lines[count] ?? '') && count < lines.length) next.add(count + 1);
    }
    taken = next;
  }
  return open ? taken.size > 0 : taken.has(lines.length);
}

function withoutBlankEnd(lines: string[]): string[] {
  const end = lines.findLastIndex((line) => line.trim() !== '') + 1;
  return lines.slice(0, end);
}
