import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeFifo } from '../../linux/fifo.ts';
import type { Copy } from '../../shim/stdio/copy.ts';
import type { Ends } from './ends.ts';
import { copyOutput, type Output } from './output.ts';
import { openStandard, startInput } from './stream.ts';

const WITHOUT_WAITING = constants.O_NONBLOCK;

/**
 * Three FIFOs for a process without a terminal, in a folder that nobody else can look into (mkdtemp(3) gives it mode
 * 0700). They are removed as soon as both sides have them open.
 */
export function makePipes(): Ends {
  const folder = mkdtempSync(path.resolve(os.tmpdir(), 'ctr-'));
  /** Descriptors that nothing else closes yet. */
  const opened: number[] = [];
  let input: Copy | undefined;
  let outputs: Output[] = [];

  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  function close(): void {
    input?.stop();
    for (const output of outputs) output.stop();
    opened.splice(0).forEach(closeSync);
    remove();
  }
  function make(name: string, mode: number): { path: string; fd: number } {
    const file = path.join(folder, name);
    makeFifo(file, 0o600);
    const fd = openSync(file, mode | WITHOUT_WAITING);
    opened.push(fd);
    return { path: file, fd };
  }
  try {
    // A FIFO without a reader cannot be opened for writing alone: until the process reads it, we do.
    const stdin = make('stdin', constants.O_RDWR);
    const stdout = make('stdout', constants.O_RDONLY);
    const stderr = make('stderr', constants.O_RDONLY);
    return {
      stdio: { stdin: stdin.path, stdout: stdout.path, stderr: stderr.path, console: '' },
      begin() {
        opened.splice(0);
        input = copyInput(stdin.path);
        closeSync(stdin.fd);
        remove();
        outputs = [
          copyOutput({ fd: stdout.fd, kind: 'pipe' }, openStandard(1)),
          copyOutput({ fd: stderr.fd, kind: 'pipe' }, openStandard(2)),
        ];
        return outputs;
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** At the end of what we read the FIFO is closed, which is how the process learns of it. */
const copyInput = (fifo: string): Copy =>
  startInput(openStandard(0), { fd: openSync(fifo, constants.O_WRONLY | WITHOUT_WAITING), kind: 'pipe' });
