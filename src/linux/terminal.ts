import koffi from 'koffi';
import { checked } from './error.ts';
import { libc } from './libc.ts';

const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const TCSANOW = 0;
/** struct termios: four 32-bit flags, c_lflag the last, and c_line, then c_cc, whose fifth is VEOF (termios(3)). */
const TERMIOS_BYTES = 128;
const LOCAL_FLAGS_OFFSET = 12;
const VEOF_OFFSET = 17 + 4;
const ICANON = 2;

/** In columns and rows; 0 and 0 where nobody has set it. */
export type WindowSize = { width: number; height: number };

const winsize = koffi.struct({
  ws_row: 'uint16',
  ws_col: 'uint16',
  ws_xpixel: 'uint16',
  ws_ypixel: 'uint16',
});
type CWindowSize = { ws_row: number; ws_col: number; ws_xpixel: number; ws_ypixel: number };

const getSize: (fd: number, request: number, size: CWindowSize) => number = libc.func('ioctl', 'int', [
  'int',
  'ulong',
  koffi.out(koffi.pointer(winsize)),
]);
const setSize: (fd: number, request: number, size: CWindowSize) => number = libc.func('ioctl', 'int', [
  'int',
  'ulong',
  koffi.pointer(winsize),
]);
const tcgetattr: (fd: number, settings: Buffer) => number = libc.func(
  'int tcgetattr(int fd, _Out_ void *settings)',
);
const tcsetattr: (fd: number, when: number, settings: Buffer) => number = libc.func(
  'int tcsetattr(int fd, int when, const void *settings)',
);
const cfmakeraw: (settings: Buffer) => void = libc.func('void cfmakeraw(void *settings)');

/** The size of the window that a terminal says it has (ioctl_tty(2)). */
export function windowSize(fd: number): WindowSize {
  const size: CWindowSize = { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
  checked('ioctl', getSize(fd, TIOCGWINSZ, size));
  return { width: size.ws_col, height: size.ws_row };
}

/** Sets it; the kernel tells the terminal's foreground processes by SIGWINCH. */
export function setWindowSize(fd: number, { width, height }: WindowSize): void {
  checked('ioctl', setSize(fd, TIOCSWINSZ, { ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 }));
}

/** A terminal's settings, as `setTerminalSettings` takes them back. */
export function terminalSettings(fd: number): Buffer {
  const settings = Buffer.alloc(TERMIOS_BYTES);
  checked('tcgetattr', tcgetattr(fd, settings));
  return settings;
}

export function setTerminalSettings(fd: number, settings: Buffer): void {
  checked('tcsetattr', tcsetattr(fd, TCSANOW, settings));
}

/** Lets every byte pass a terminal untouched, without echo (cfmakeraw(3)); returns the settings that it had. */
export function makeRaw(fd: number): Buffer {
  const before = terminalSettings(fd);
  const raw = Buffer.from(before);
  cfmakeraw(raw);
  setTerminalSettings(fd, raw);
  return before;
}

/**
 * What means end of file to a terminal when it is typed: usually ^D, and where lines are read (canonical mode) twice, as the
 * first only ends a line that has been begun.
 */
export function endOfFile(fd: number): Buffer {
  const settings = terminalSettings(fd);
  const isCanonical = (settings.readUInt32LE(LOCAL_FLAGS_OFFSET) & ICANON) !== 0;
  return Buffer.alloc(isCanonical ? 2 : 1, settings.readUInt8(VEOF_OFFSET));
}
