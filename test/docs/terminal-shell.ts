import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';

/** What the shell prints when it waits for a command (ASCII's record separator, which nothing else prints). */
const PROMPT = '\u001e';

/** script(1) runs this by a shell of its own, which would not pass the prompts on. */
const BASH = "exec env PS1='\\036' PS2= bash --noprofile --norc --noediting -i";

/** What an interactive shell says of its jobs, whenever they start and end. */
const JOB_NOTICE = /^\[\d+\](?: (?:\d+|…)|[ +-] .*)$/;

/** Of a process that has just gone, nothing. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Without what the shell says of its jobs: it says it now or later, as it happens. */
export const withoutJobNotices = (lines: string[]): string[] =>
  lines.filter((line) => !JOB_NOTICE.test(line));

/** Every process of the shell holds this descriptor as long as it lives. */
const LIFE_FD = 3;
/** Field of /proc/<pid>/stat, counted from the one after the program's name. */
const TPGID = 5;
/** How often is looked for what nothing tells of. */
const POLL_MS = 20;

/** An interactive bash on a terminal of its own (script(1) makes it), as a reader has it. */
export class TerminalShell {
  readonly #script: ChildProcess;
  /** What has been printed since the command was typed, prompts included. */
  #printed = '';
  #wake: () => void = () => {};
  #ended = false;

  private constructor(script: ChildProcess) {
    this.#script = script;
    script.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#printed += text;
      this.#wake();
    });
    script.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Starts the shell in a folder, and waits for its prompt. */
  static async start(folder: string, env: NodeJS.ProcessEnv): Promise<TerminalShell> {
    const script = spawn('script', ['-qfc', BASH, '/dev/null'], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
      env: { ...env, TERM: 'dumb', HISTFILE: '' },
    });
    const shell = new TerminalShell(script);
    await shell.#until(() => shell.atPrompt);
    // What is typed is not printed as well, an exclamation mark is one, and tables have their width.
    shell.type('set +H; stty -echo cols 200 rows 50\n');
    await shell.#until(() => shell.atPrompt);
    return shell;
  }

  /** Whether the command has ended. */
  get atPrompt(): boolean {
    return this.#printed.includes(PROMPT);
  }

  /** Whether a program has the terminal (proc(5): tpgid), and so is who a key is for. */
  get isRunning(): boolean {
    const script = this.#script.pid ?? 0;
    const [bash = ''] = read(`/proc/${script}/task/${script}/children`).split(' ');
    const stat = read(`/proc/${bash}/stat`);
    const foreground = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[TPGID] ?? '';
    // A process that has been forked and is no other program yet would take the key as bash does.
    return read(`/proc/${foreground}/cmdline`) !== read(`/proc/${bash}/cmdline`);
  }

  /** The lines that have been printed since the last command was typed; the last one may not be whole. */
  get lines(): string[] {
    return withoutJobNotices(this.#printed.replaceAll(PROMPT, '').replaceAll('\r', '').split('\n'));
  }

  /** Types a command, which begins a new count of lines. */
  type(command: string): void {
    this.#printed = '';
    this.#script.stdin?.write(command);
  }

  /** Presses a key such as `^C`. */
  press(key: string): void {
    this.#script.stdin?.write(String.fromCharCode(key.charCodeAt(1) - 64));
  }

  /** Waits until it is so, or until the time is over; gives whether it is so. */
  async waitFor(isSo: () => boolean, timeoutMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + timeoutMs;
    const poll = setInterval(() => this.#wake(), POLL_MS);
    try {
      await this.#until(() => isSo() || performance.now() > deadlineMs);
      return isSo();
    } finally {
      clearInterval(poll);
    }
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.#ended) throw new Error(`the shell has ended:\n${this.#printed}`);
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  /** Takes the terminal away, as when its window is closed, and waits until all that ran on it has ended. */
  async close(): Promise<void> {
    const life = this.#script.stdio[LIFE_FD] as Readable;
    const ended = once(life.resume(), 'close');
    this.#script.kill('SIGKILL');
    await ended;
  }
}
