import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { kill } from '../../src/linux/signal.ts';
import type { ShimClient, ShimExit, ShimKey, ShimStart } from '../../src/shim/client.ts';
import { ensureShim } from '../../src/shim/launch.ts';
import { within } from '../linux/deadline.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUNTIME = fileURLToPath(new URL('fixtures/runtime.sh', import.meta.url));
const DEADLINE_MS = 10_000;

/** The name of a container of runc's, whose cgroup no other test has. */
export const BOX = `box-${randomUUID()}`;

/** The shim, bundled from its source to where it finds koffi; `remove` it at the end. */
export async function buildShim(): Promise<{ program: string[]; remove: () => void }> {
  const cache = join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'shim-'));
  const outfile = join(directory, 'containerd-shim.mjs');
  const require =
    "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/containerd-shim.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['koffi'],
    banner: { js: require },
    logLevel: 'warning',
  });
  return { program: [process.execPath, outfile], remove: () => rmSync(directory, { recursive: true }) };
}

/** A daemon's connection to a shim of its own, and what it hears. */
export class ShimUnderTest {
  readonly stateDir = mkdtempSync(join(tmpdir(), 'shim-'));
  readonly #program: readonly string[];
  readonly #env: Record<string, string>;
  #client: ShimClient | undefined;
  /** Exits that have been told and not been taken. */
  readonly exits: ShimExit[] = [];
  readonly #listeners = new Set<() => void>();
  lost: Error | undefined;

  constructor(program: readonly string[], env: Record<string, string> = {}) {
    this.#program = program;
    this.#env = env;
  }

  get client(): ShimClient {
    if (this.#client === undefined) {
      throw new Error('not connected');
    }
    return this.#client;
  }

  async connect(): Promise<ShimClient> {
    this.#client = await ensureShim({
      stateDir: this.stateDir,
      program: this.#program,
      env: { PATH: process.env.PATH, ...this.#env },
      onExit: (exit) => {
        this.exits.push(exit);
        this.#changed();
      },
      onLost: (cause) => {
        this.lost = cause;
        this.#changed();
      },
    });
    return this.#client;
  }

  #changed(): void {
    for (const listener of this.#listeners) {
      listener();
    }
  }

  /** Resolves once `look` gives something, looking whenever anything is heard. */
  #heard<T>(what: string, look: () => T | undefined): Promise<T> {
    let listener = (): void => {};
    const heard = new Promise<T>((resolve) => {
      listener = () => {
        const found = look();
        if (found !== undefined) {
          resolve(found);
        }
      };
      this.#listeners.add(listener);
      listener();
    });
    return within(DEADLINE_MS, what, heard).finally(() => this.#listeners.delete(listener));
  }

  /** The next exit of a process that is told, taken from `exits`. */
  exit({ container, process }: ShimKey): Promise<ShimExit> {
    return this.#heard(`the exit of ${container}`, () => {
      const index = this.exits.findIndex(
        ({ process: { key } }) => key.container === container && key.process === process,
      );
      return index < 0 ? undefined : this.exits.splice(index, 1)[0];
    });
  }

  /** The loss of the connection. */
  loss(): Promise<Error> {
    return this.#heard('the loss of the connection', () => this.lost);
  }

  path(name: string): string {
    return join(this.stateDir, name);
  }

  /** A start of `sh -c script` through the stand-in runtime, as init of the container `container`. */
  request(container: string, script: string, changes: Partial<ShimStart> = {}): ShimStart {
    const pidFile = this.path(`${container}.pid`);
    return {
      key: { container, process: 'init' },
      argv: [RUNTIME, pidFile, script],
      env: [`PATH=${process.env.PATH}`],
      cwd: '/',
      pidFile,
      stdin: '',
      stdout: '',
      stderr: '',
      console: '',
      consoleSocket: '',
      timeoutMs: 0,
      startArgv: [],
      startFifo: '',
      startedFile: '',
      append: false,
      record: undefined,
      ...changes,
    };
  }

  /** Starts it, waits for its exit, acknowledges that. */
  async run(request: ShimStart): Promise<ShimExit> {
    await this.client.start(request);
    const exit = await this.exit(request.key);
    await this.client.ack(request.key);
    return exit;
  }

  /** Ends the shim by force, and before it whatever it still runs. */
  async end(): Promise<void> {
    if (this.#client !== undefined) {
      const { pid } = this.#client;
      this.#client.close();
      for (const group of groupsOfChildren(pid)) {
        killIfThere(-group);
      }
      killIfThere(pid);
    }
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}

/** The process groups of a process's children: of each the runtime's that started it. */
function groupsOfChildren(pid: number): Set<number> {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    const stats = children.map((child) => readFileSync(`/proc/${child}/stat`, 'utf8'));
    return new Set(stats.map((stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])));
  } catch {
    return new Set();
  }
}

function killIfThere(pid: number): void {
  try {
    kill(pid, 9);
  } catch {
    // It has ended by itself.
  }
}
