import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { duplicate, writeNow } from '../../linux/descriptor.ts';
import { SystemError } from '../../linux/error.ts';
import { openPty } from '../../linux/pty.ts';
import {
  makeRaw,
  setTerminalSettings,
  setWindowSize,
  type WindowSize,
  windowSize,
} from '../../linux/terminal.ts';
import type { Copy } from '../../shim/stdio/copy.ts';
import type { Transfer } from '../../shim/stdio/transfer.ts';
import type { Ends } from './ends.ts';
import { copyOutput, type Output } from './output.ts';
import { type End, openStandard, startInput, transferBetween } from './stream.ts';

/**
 * What is typed to say that there is no more (VEOF of termios(3)): twice, as the first only ends a line that has been
 * begun, if there is one.
 */
const END_OF_FILE = Buffer.of(4, 4);

/**
 * A terminal pair for a process that wants a terminal: its slave goes to the process, what is typed in ours is passed on
 * untouched, and the process's interrupts are made of it there. `onResize` is told when our window changes.
 */
export function makeTerminal(onResize: (size: WindowSize) => void): Ends {
  const { master, path } = openPty();
  // Ours that has a window: any of the three may be something else.
  const window = [0, 1, 2].find((fd) => isatty(fd));
  let before: Buffer | undefined;
  let input: Copy | undefined;
  let output: Output | undefined;
  let isOpen = true;

  const resize = unlessGone(() => {
    if (window === undefined) return;
    const size = windowSize(window);
    setWindowSize(master, size);
    onResize(size);
  });
  const takeOver = (): void => {
    if (isatty(0)) before ??= makeRaw(0);
  };
  /** A shell that had us stopped has changed its terminal meanwhile. */
  const resume = unlessGone(() => {
    if (before !== undefined) makeRaw(0);
    resize();
  });
  const giveBack = unlessGone(() => {
    if (before !== undefined) setTerminalSettings(0, before);
  });
  makeRaw(master);
  if (window !== undefined) setWindowSize(master, windowSize(window));

  return {
    stdio: { stdin: '', stdout: '', stderr: '', console: path },
    begin() {
      takeOver();
      // It may have been another window when the process was asked for.
      resize();
      process.on('SIGWINCH', resize);
      process.on('SIGCONT', resume);
      input = copyInput(master);
      output = copyOutput({ fd: duplicate(master), kind: 'terminal' }, openStandard(1));
      return [output];
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      process.off('SIGWINCH', resize);
      process.off('SIGCONT', resume);
      input?.stop();
      output?.stop();
      closeSync(master);
      giveBack();
    },
  };
}

/** Of a terminal that has been closed nothing is to be known or set: its signals may come in any order. */
const unlessGone = (act: () => void) => (): void => {
  try {
    act();
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== 'EIO') throw error;
  }
};

function copyInput(master: number): Copy {
  const source = openStandard(0);
  const sink: End = { fd: duplicate(master), kind: 'terminal' };
  return startInput(source, sink, source.kind === 'terminal' ? undefined : endingFile(source, sink));
}

/** A terminal has no end that could be closed: the end of what we read has to be typed. */
function endingFile(source: End, sink: End): Transfer {
  const transfer = transferBetween(source, sink);
  return {
    drop: transfer.drop,
    move() {
      const moved = transfer.move();
      if (moved !== 'end') return moved;
      return writeNow(sink.fd, END_OF_FILE) === undefined ? 'sink' : 'end';
    },
  };
}
