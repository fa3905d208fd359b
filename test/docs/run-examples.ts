import { type Example, matches } from './examples.ts';
import { TerminalShell, withoutJobNotices } from './terminal-shell.ts';

/** How long a command may take, to print what comes before a key and to end. */
const COMMAND_TIMEOUT_MS = 120_000;
/** How long what runs in the background has to print what the page expects, once the command has ended. */
const LATE_OUTPUT_MS = 10_000;

export type RunOptions = {
  /** Where the shell begins. */
  folder: string;
  env: NodeJS.ProcessEnv;
  commandTimeoutMs?: number;
  lateOutputMs?: number;
};

/** Runs the examples of a page in one shell, in order; gives what was not as the page says, in words. */
export async function runExamples(examples: Example[], options: RunOptions): Promise<string[]> {
  const shell = await TerminalShell.start(options.folder, options.env);
  const wrong: string[] = [];
  try {
    for (const example of examples) {
      const complaint = await run(shell, example, options);
      if (complaint !== undefined) wrong.push(complaint);
      // What is typed now would go to the command that has not ended.
      if (!shell.atPrompt) break;
    }
  } finally {
    await shell.close();
  }
  return wrong;
}

async function run(
  shell: TerminalShell,
  { line, command, output, keys }: Example,
  { commandTimeoutMs = COMMAND_TIMEOUT_MS, lateOutputMs = LATE_OUTPUT_MS }: RunOptions,
): Promise<string | undefined> {
  const expected = withoutJobNotices(output.flat());
  const complain = (what: string) =>
    [
      `line ${line}: $ ${command}`,
      what,
      'expected:',
      ...expected.map((text) => `  ${text}`),
      'got:',
      ...shell.lines.map((text) => `  ${text}`),
    ].join('\n');

  shell.type(`${command}\n`);
  for (const [index, key] of keys.entries()) {
    const before = withoutJobNotices(output.slice(0, index + 1).flat());
    const printed = () => matches(before, shell.lines, { open: true });
    await shell.waitFor(() => shell.atPrompt || (printed() && shell.isRunning), commandTimeoutMs);
    if (!printed()) return complain(`not what comes before ${key}`);
    if (shell.atPrompt || !shell.isRunning) return complain(`no program to press ${key} for`);
    shell.press(key);
  }
  if (!(await shell.waitFor(() => shell.atPrompt, commandTimeoutMs))) return complain('it has not ended');
  if (!(await shell.waitFor(() => matches(expected, shell.lines), lateOutputMs)))
    return complain('different');
}
