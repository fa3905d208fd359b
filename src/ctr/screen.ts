import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Order, View } from './watch-rows.ts';

/** The whole of a terminal, given back as it was however `ctr` ends. */
export type Screen = {
  /** Draws now, and again when a key or the window changes what is seen. */
  draw(linesOf: (view: View) => string[]): void;
  /** The exit status of who has been asked to leave. */
  readonly left: number | undefined;
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
const STOP_KEY = '\x1a';
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const;

/** How often somebody in the background who could not be stopped looks whether that is over. */
const LOOK_AGAIN_MS = 200;

/** Whether the terminal is another process group's (proc(5): pgrp and tpgid). */
function isInBackground(): boolean {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return foreground !== '-1' && foreground !== group;
}

/** Takes the terminal over. `leave` is called where somebody has seen enough, or we are told to end. */
export function openScreen(leave: () => void): Screen {
  const { stdin, stdout } = process;
  const view: View = { columns: 80, rows: 24, order: 'id', from: 0 };
  let linesOf: ((view: View) => string[]) | undefined;
  let isOpen = true;
  let isTaken = false;
  let left: number | undefined;

  function redraw(): void {
    if (linesOf === undefined || !isTaken) return;
    // A terminal that nobody has told its size says 0.
    view.columns = stdout.columns || 80;
    view.rows = stdout.rows || 24;
    // Erased before: behind a line that is as wide as the terminal, its last character would be.
    const lines = linesOf(view).map((line) => END_OF_LINE + line);
    stdout.write(HOME + lines.join('\r\n') + END_OF_SCREEN);
  }
  function goAway(status: number): void {
    left ??= status;
    leave();
  }
  const obey = (signal: NodeJS.Signals): void => goAway(128 + constants.signals[signal]);
  const hangUp = (): void => obey('SIGHUP');
  function take(): void {
    if (!isOpen || isTaken || left !== undefined) return;
    if (isInBackground()) {
      // Before the kernel does it, where Node would hear of nothing that is to end us.
      process.kill(process.pid, 'SIGTTOU');
      // After the signals that have come meanwhile, which may have said that it is to end.
      setTimeout(setImmediate, LOOK_AGAIN_MS, take);
      return;
    }
    isTaken = true;
    if (stdin.isTTY) stdin.setRawMode(true).on('data', onKeys).resume();
    stdout.write(ENTER);
    redraw();
  }
  function giveBack(): void {
    if (!isTaken) return;
    isTaken = false;
    if (stdin.isTTY) stdin.off('data', onKeys).setRawMode(false).pause();
    stdout.write(LEAVE);
  }
  /** Stops as a program that knows nothing of it does; where nobody could have it go on, the kernel lets it be. */
  function stop(): void {
    giveBack();
    process.off('SIGTSTP', stop);
    process.kill(process.pid, 'SIGTSTP');
    process.on('SIGTSTP', stop);
    take();
    // Who is stopped is not told of another size.
    process.kill(process.pid, 'SIGWINCH');
  }
  function onKeys(data: Buffer): void {
    for (const key of data.toString('latin1').match(KEY) ?? []) {
      if (LEAVE_KEYS.has(key)) {
        goAway(0);
        return;
      }
      // To all who would have it from the terminal.
      if (key === STOP_KEY) process.kill(0, 'SIGTSTP');
      const move = MOVE_KEYS[key];
      if (move !== undefined) view.from = Math.max(0, view.from + move(Math.max(1, view.rows - 4)));
      view.order = ORDER_KEYS[key] ?? view.order;
    }
    redraw();
  }

  function close(): void {
    if (!isOpen) return;
    isOpen = false;
    stdout.off('resize', redraw);
    for (const signal of SIGNALS) process.off(signal, obey);
    process.off('SIGTSTP', stop);
    process.off('uncaughtExceptionMonitor', close);
    giveBack();
  }

  // The terminal has gone.
  for (const stream of [stdin, stdout]) stream.on('error', hangUp);
  stdout.on('resize', redraw);
  for (const signal of SIGNALS) process.on(signal, obey);
  process.on('SIGTSTP', stop);
  // What went wrong is to be read where it stays.
  process.on('uncaughtExceptionMonitor', close);
  take();

  return {
    draw(lines) {
      linesOf = lines;
      redraw();
    },
    get left() {
      return left;
    },
    close,
  };
}
