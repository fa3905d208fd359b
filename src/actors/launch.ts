import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ContainerdError } from '../errors.ts';
import { INIT, type Inherited, type Launched, type ProcessSpec } from '../machines/messages.ts';
import type { LaunchInput } from '../machines/process.ts';
import { type Detached, execCommand, type RuncLocation, runCommand } from '../runc/command.ts';
import { lastWords } from '../runc/log.ts';
import type { ShimClient } from '../shim/client.ts';
import { ShimError } from '../shim/error.ts';
import type { StateDir } from './state-dir.ts';

export type LaunchOptions = {
  runc: RuncLocation;
  stateDir: StateDir;
  shim: () => ShimClient;
  /** How long a runc may take to start a process. */
  timeoutMs: number;
};

/** Where the files of one launch are, in the container's folder. */
const filesOf = (folder: string, process: string) => ({
  pidFile: path.join(folder, `${process}.pid`),
  logFile: path.join(folder, `${process}.log`),
  processFile: path.join(folder, `${process}.json`),
});

/**
 * Has the shim run the runc that starts a process, and gives the pid that runc leaves behind. Throws a
 * ContainerdError with runc's own words; nothing of an exec is left then, and of a container what `delete` removes.
 */
export function createLaunch({ runc, stateDir, shim, timeoutMs }: LaunchOptions) {
  return async (input: LaunchInput): Promise<Launched> => {
    const { id, process, spec, stdio } = input;
    const folder = stateDir.container(id);
    const files = filesOf(folder, process);
    if (process === INIT) await mkdir(folder, { mode: 0o700 });
    else await writeFile(files.processFile, execProcess(spec, input.inherited), { mode: 0o600 });
    const consoleSocket = spec.terminal ? stateDir.newConsoleSocket() : '';
    try {
      const { pid, startTime } = await shim().start({
        key: { container: id, process },
        argv: commandLine(runc, input, { id, consoleSocket, ...files }),
        env: [`PATH=${globalThis.process.env.PATH ?? ''}`],
        cwd: '/',
        pidFile: files.pidFile,
        ...stdio,
        consoleSocket,
        timeoutMs,
      });
      return { pid, startTime: String(startTime) };
    } catch (error) {
      throw await explain(error, files.logFile, input);
    } finally {
      if (process !== INIT) await Promise.all(Object.values(files).map((file) => rm(file, { force: true })));
    }
  };
}

function commandLine(
  runc: RuncLocation,
  { launch, bundlePath }: LaunchInput,
  options: Detached & { processFile: string },
): string[] {
  switch (launch.kind) {
    case 'start':
      return runCommand(runc, { ...options, bundle: bundlePath });
    case 'exec':
      return execCommand(runc, options);
    case 'restore':
      throw new ContainerdError('unimplemented', 'restore');
  }
}

/** The process of an exec (OCI runtime specification, `process`): what was asked for, the rest as the container's. */
function execProcess({ terminal, user, args, env, cwd }: ProcessSpec, inherited: Inherited): string {
  const hasPath = env.some((entry) => entry.startsWith('PATH='));
  return JSON.stringify({
    ...inherited.process,
    terminal,
    user,
    args,
    env: hasPath || inherited.path === '' ? env : [...env, inherited.path],
    cwd,
  });
}

/** What went wrong, in the words of whoever knows: the kernel about a path, runc about a container. */
async function explain(error: unknown, logFile: string, { process, launch }: LaunchInput): Promise<unknown> {
  if (!(error instanceof ShimError)) return error;
  const cause = { cause: error };
  const what = launch.kind === 'exec' ? `exec ${process}` : launch.kind;
  switch (error.reason) {
    case 'stdio':
      return new ContainerdError(isMissing(error) ? 'stdioNotFound' : 'stdioInvalid', error.message, cause);
    case 'runtime': {
      const words = lastWords(await readFile(logFile, 'utf8').catch(() => '')) || lastWords(error.output);
      return new ContainerdError('runtimeFailed', words || error.message, cause);
    }
    case 'timeout':
      return new ContainerdError('runtimeTimeout', `${what}: ${error.message}`, cause);
    case 'lost':
      return new ContainerdError('shimLost', error.message, cause);
    default:
      return new ContainerdError('runtimeFailed', `${what}: ${error.message}`, cause);
  }
}

const ENOENT = 2;
const isMissing = ({ errno }: ShimError): boolean => errno === ENOENT;
