import { closeSync, constants, openSync } from 'node:fs';
import { readNow, setNonblocking, writeNow } from '../../src/linux/descriptor.ts';
import { openPty } from '../../src/linux/pty.ts';
import { setWindowSize } from '../../src/linux/terminal.ts';
import { type FdWatch, watchFd } from '../../src/linux/watch.ts';
import { within } from './deadline.ts';

const PATIENCE_MS = 15_000;

/** A client's terminal, as a person in front of it has it. */
export class ClientTerminal {
  readonly path: string;
  readonly #master: number;
  readonly #watch: FdWatch;
  #seen = '';
  #listener = (): void => {};
  // Somebody has the slave open, as a client has that hands its path on; without it the master reports a hang-up.
  readonly #slave: number;

  constructor(size = { width: 80, height: 24 }) {
    const { master, path } = openPty();
    this.path = path;
    this.#master = master;
    this.#slave = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
    setNonblocking(master);
    setWindowSize(master, size);
    const piece = Buffer.alloc(65_536);
    this.#watch = watchFd(master, { readable: true }, () => {
      const byteLength = readNow(master, piece) ?? 0;
      this.#seen += piece.toString('utf8', 0, byteLength);
      this.#listener();
    });
  }

  get seen(): string {
    return this.#seen;
  }

  type(text: string): void {
    writeNow(this.#master, Buffer.from(text));
  }

  resize(width: number, height: number): void {
    setWindowSize(this.#master, { width, height });
  }

  /** Resolves once the screen has shown something. */
  shows(text: string | RegExp): Promise<void> {
    const shown = new Promise<void>((resolve) => {
      this.#listener = () => {
        if (typeof text === 'string' ? this.#seen.includes(text) : text.test(this.#seen)) {
          resolve();
        }
      };
      this.#listener();
    });
    return within(PATIENCE_MS, `${text} on the screen`, shown).catch((error: Error) => {
      throw new Error(`${error.message}; it shows ${JSON.stringify(this.#seen)}`);
    });
  }

  close(): void {
    this.#watch.close();
    closeSync(this.#slave);
    closeSync(this.#master);
  }
}
