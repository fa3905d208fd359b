import type { Order, View } from './watch-rows.ts';

/** The whole of a terminal, given back as it was however `ctr` ends. */
export type Screen = {
  /** Draws now, and again when a key or the window changes what is seen. */
  draw(linesOf: (view: View) => string[]): void;
  /** Somebody has asked to leave. */
  readonly left: boolean;
  close(): void;
};

/** Sequences of xterm (ctlseqs): the other screen, the cursor, to the upper left, the rest of the line and the screen. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const END_OF_LINE = '\x1b[K';
const END_OF_SCREEN = '\x1b[J';

const ORDER_KEYS: Record<string, Order> = { i: 'id', a: 'age', c: 'cpu', m: 'memory' };
const MOVE_KEYS: Record<string, (page: number) => number> = {
  '\x1b[A': () => -1,
  '\x1bOA': () => -1,
  '\x1b[B': () => 1,
  '\x1bOB': () => 1,
  k: () => -1,
  j: () => 1,
  '\x1b[5~': (page) => -page,
  '\x1b[6~': (page) => page,
  ' ': (page) => page,
};
/** `q`, and what a terminal that is raw does not make a signal of: ^C and ^D. */
const LEAVE_KEYS = new Set(['q', '\x03', '\x04']);
/** One key: a sequence, or a byte. Several come together where they are typed fast, or the way is slow. */
const KEY = /\p{Cc}(?:\[|O)[0-9;]*[A-Za-z~]|./gsu;
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

/** Takes the terminal over. `leave` is called where somebody has seen enough, or we are told to end. */
export function openScreen(leave: () => void): Screen {
  const { stdin, stdout } = process;
  const view: View = { columns: 80, rows: 24, order: 'id', from: 0 };
  let linesOf: ((view: View) => string[]) | undefined;
  let isOpen = true;
  let left = false;

  function redraw(): void {
    if (linesOf === undefined || !isOpen) return;
    view.columns = stdout.columns ?? 80;
    view.rows = stdout.rows ?? 24;
    // Erased before: behind a line that is as wide as the terminal, its last character would be.
    const lines = linesOf(view).map((line) => END_OF_LINE + line);
    stdout.write(HOME + lines.join('\r\n') + END_OF_SCREEN);
  }
  function goAway(): void {
    left = true;
    leave();
  }
  function onKeys(data: Buffer): void {
    for (const key of data.toString('latin1').match(KEY) ?? []) {
      if (LEAVE_KEYS.has(key)) {
        goAway();
        return;
      }
      const move = MOVE_KEYS[key];
      if (move !== undefined) view.from = Math.max(0, view.from + move(view.rows - 4));
      view.order = ORDER_KEYS[key] ?? view.order;
    }
    redraw();
  }

  // The terminal has gone.
  for (const stream of [stdin, stdout]) stream.on('error', goAway);
  stdout.write(ENTER);
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdin.on('data', onKeys);
    stdin.resume();
  }
  stdout.on('resize', redraw);
  for (const signal of SIGNALS) process.on(signal, goAway);

  return {
    draw(lines) {
      linesOf = lines;
      redraw();
    },
    get left() {
      return left;
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      stdout.off('resize', redraw);
      for (const signal of SIGNALS) process.off(signal, goAway);
      if (stdin.isTTY) {
        stdin.off('data', onKeys);
        stdin.setRawMode(false);
        stdin.pause();
      }
      stdout.write(LEAVE);
    },
  };
}
