import { closeSync, constants, openSync, unlink } from 'node:fs';
import { isatty } from 'node:tty';
import { duplicate, writeNow } from '../../linux/descriptor.ts';
import { type DescriptorSocket, receiveDescriptor } from '../../linux/descriptor-socket.ts';
import { SystemError } from '../../linux/error.ts';
import { createPipe } from '../../linux/pipe.ts';
import { endOfFile, makeRaw, setWindowSize, type WindowSize, windowSize } from '../../linux/terminal.ts';
import { ShimError } from '../error.ts';
import { type ConsoleClient, type ConsoleClientPaths, openConsoleClient } from './console-client.ts';
import { type Copy, startCopy } from './copy.ts';
import { endOfOutput } from './output.ts';
import { pipeSink } from './sink.ts';
import type { OnStreamError, ProcessStdio } from './stdio.ts';
import { type Source, startStream } from './stream.ts';
import type { Moved } from './transfer.ts';
import { followWindowSize } from './window-size.ts';

export type ConsolePaths = ConsoleClientPaths & {
  /** Where the runtime is to send the terminal's master to; made here, and removed once it has come. */
  consoleSocket: string;
};

/**
 * Opens the stdio of a process with a terminal of its own, whose master the runtime sends us. Rejects with a `ShimError`
 * (`stdio`) if the client's end cannot be opened or the socket not be made.
 */
export async function openConsole(paths: ConsolePaths, onError: OnStreamError): Promise<ProcessStdio> {
  const client = await openConsoleClient(paths);
  const opened: number[] = [];
  try {
    const nothing = openSync('/dev/null', constants.O_RDWR);
    opened.push(nothing);
    const output = createPipe({ read: true });
    opened.push(output.read, output.write);
    return new Console(client, paths.consoleSocket, [nothing, nothing, output.write], output.read, onError);
  } catch (error) {
    opened.forEach(closeSync);
    client.input?.close();
    client.output.close();
    throw error instanceof SystemError
      ? new ShimError('stdio', error.message, { errno: error.errno })
      : error;
  }
}

class Console implements ProcessStdio {
  readonly childEnds: readonly [number, number, number];
  readonly #client: ConsoleClient;
  readonly #socket: DescriptorSocket;
  readonly #socketPath: string;
  readonly #runtimeOutput: number;
  readonly #onError: OnStreamError;
  #handedOver = false;
  #stdinCloses = false;
  #master: number | undefined;
  #input: Copy | undefined;
  #output: Copy | undefined;
  #unfollow = (): void => {};

  constructor(
    client: ConsoleClient,
    socketPath: string,
    childEnds: readonly [number, number, number],
    runtimeOutput: number,
    onError: OnStreamError,
  ) {
    this.#client = client;
    this.#socketPath = socketPath;
    this.childEnds = childEnds;
    this.#runtimeOutput = runtimeOutput;
    this.#onError = onError;
    this.#socket = receiveDescriptor(socketPath, (master) => this.#received(master));
  }

  /** The size has to be there before the program asks for it. */
  #received(master: number): void {
    unlink(this.#socketPath, () => {});
    // Of a runtime that sends something else; what cannot be watched would be the end of the shim.
    if (!isatty(master)) {
      closeSync(master);
      return;
    }
    this.#master = master;
    if (this.#client.isTerminal) {
      this.#clientSide(() => {
        this.#unfollow = followWindowSize(this.#client.output.fd, master);
      });
    }
  }

  /** A client may hang up at any moment, which is no reason for its process not to go on. */
  #clientSide(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#onError('stdin', error);
    }
  }

  handedOver(): void {
    if (!this.#handedOver) {
      this.#handedOver = true;
      new Set(this.childEnds).forEach((fd) => {
        closeSync(fd);
      });
    }
  }

  runtimeOutput(): string {
    return endOfOutput(this.#runtimeOutput);
  }

  /** The runtime has ended, so whatever it has sent is there. */
  prepare(): void {
    this.#socket.poll();
  }

  begin(onEnd: () => void): void {
    this.prepare();
    const master = this.#master;
    if (master === undefined) {
      this.#onError('stdout', new Error('the runtime has sent no terminal'));
      this.abandon();
      onEnd();
      return;
    }
    closeSync(this.#runtimeOutput);
    const { input, output, isTerminal } = this.#client;
    if (isTerminal) {
      this.#clientSide(() => {
        makeRaw(output.fd);
        // Again: what CRIU has restored since is the size that the terminal had.
        setWindowSize(master, windowSize(output.fd));
      });
    }
    if (input !== undefined) {
      this.#clientSide(() => this.#startInput(input, master));
    }
    this.#output = startStream({
      source: { fd: master, kind: 'terminal', close: () => this.#hungUp(master) },
      sink: output,
      afterError: 'drop',
      onError: (error) => this.#onError('stdout', error),
      onEnd,
    });
  }

  #startInput(source: Source, master: number): void {
    let fd: number;
    try {
      fd = duplicate(master);
    } catch (error) {
      source.close();
      throw error;
    }
    this.#input = startStream({
      source,
      sink: { ...pipeSink(fd), kind: 'terminal' },
      afterError: 'end',
      onError: (error) => this.#onError('stdin', error),
      onEnd: () => {
        this.#input = undefined;
        if (this.#stdinCloses) {
          this.#clientSide(() => this.#typeEndOfFile());
        }
      },
    });
  }

  /** Nobody has the terminal open any more. */
  #hungUp(master: number): void {
    this.#unfollow();
    closeSync(master);
    this.#master = undefined;
    this.#output = undefined;
    this.#input?.stop();
  }

  async delivered(): Promise<void> {
    this.#client.output.processEnded();
    await this.#output?.delivered();
  }

  closeStdin(): void {
    this.#stdinCloses = true;
    if (this.#input === undefined) {
      this.#typeEndOfFile();
    } else {
      this.#input.finish();
    }
  }

  /** A terminal has no other way to say that its input has ended, and may have no room for it yet. */
  #typeEndOfFile(): void {
    if (this.#master === undefined) {
      return;
    }
    let rest = endOfFile(this.#master);
    const fd = duplicate(this.#master);
    const move = (): Moved => {
      rest = rest.subarray(writeNow(fd, rest) ?? 0);
      return rest.length === 0 ? 'end' : 'sink';
    };
    this.#input = startCopy({
      source: { fd, waitable: false },
      sink: { fd, waitable: true },
      transfer: { move, drop: () => 'end' },
      afterError: 'end',
      onError: (error) => this.#onError('stdin', error),
      onEnd: () => {
        this.#input = undefined;
        closeSync(fd);
      },
    });
  }

  resize(size: WindowSize): void {
    if (this.#master !== undefined) {
      setWindowSize(this.#master, size);
    }
  }

  abandon(): void {
    this.handedOver();
    this.#unfollow();
    this.#socket.close();
    unlink(this.#socketPath, () => {});
    closeSync(this.#runtimeOutput);
    if (this.#master !== undefined) {
      closeSync(this.#master);
      this.#master = undefined;
    }
    this.#client.input?.close();
    this.#client.output.close();
  }
}
