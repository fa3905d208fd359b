import { makeStateDir, type StateDir, stateDirAt } from '../../src/actors/state-dir.ts';
import type { Stdio } from '../../src/machines/messages.ts';
import { Scripts } from '../runc/scripts.ts';
import { buildShim, ShimUnderTest } from '../shim/shim-under-test.ts';

/** A real shim on a state dir, and scripts in the place of runc. */
export class ShimAndScripts {
  readonly stateDir: StateDir;
  readonly shim: ShimUnderTest;
  readonly scripts = new Scripts();
  readonly #removeProgram: () => void;

  private constructor(shim: ShimUnderTest, removeProgram: () => void) {
    this.shim = shim;
    this.stateDir = stateDirAt(shim.stateDir);
    this.#removeProgram = removeProgram;
  }

  static async start(): Promise<ShimAndScripts> {
    const { program, remove } = await buildShim();
    const shim = new ShimUnderTest(program);
    await makeStateDir(stateDirAt(shim.stateDir));
    await shim.connect();
    return new ShimAndScripts(shim, remove);
  }

  async end(): Promise<void> {
    await this.shim.end();
    this.scripts.remove();
    this.#removeProgram();
  }

  /**
   * A runc that does what the script says, with its command line in `$folder/argv` and the values of its flags in
   * `$pid_file`, `$log`, `$process`; `leave COMMAND…` leaves a process behind as runc does.
   */
  runc(text: string) {
    const command = this.scripts.write(`
      for it; do echo "$it"; done > $folder/argv
      while [ $# -gt 0 ]; do
        case $1 in --pid-file) pid_file=$2;; --log) log=$2;; --process) process=$2;; esac
        shift
      done
      leave() { "$@" & echo $! > "$pid_file"; }
      ${text}`);
    return { command, root: this.stateDir.runc };
  }

  /** The command line of the last runc. */
  argv(): string[] {
    return this.scripts.read('argv').trimEnd().split('\n');
  }
}

export const NO_STDIO: Stdio = { stdin: '', stdout: '', stderr: '', console: '' };
