import path from 'node:path';
import { withCriuLog } from '../checkpoints/criu-log.ts';
import { ContainerdError, hostTrouble } from '../errors.ts';
import type { LaunchInput } from '../machines/process-model.ts';
import type { RuncLocation } from '../runc/command.ts';
import { lastWords, lastWordsIn } from '../runc/log.ts';
import { initHasEnded } from '../runc/state-file.ts';
import { ShimError } from '../shim/error.ts';
import { troubleOf } from './run-runc.ts';

/**
 * What went wrong as a process was started, in the words of whoever knows: the kernel about a path, runc about a container,
 * CRIU about a checkpoint. Gives the error to answer with; `logFile` is runc's log, `workPath` the folder of CRIU's.
 */
export async function explainLaunch(
  error: unknown,
  { runc, settleLost }: { runc: RuncLocation; settleLost: () => Promise<void> },
  { logFile, workPath }: { logFile: string; workPath: string },
  { id, process, launch }: LaunchInput,
): Promise<unknown> {
  if (!(error instanceof ShimError)) {
    const { code } = error as NodeJS.ErrnoException;
    return error instanceof Error ? (hostTrouble(code, error) ?? error) : error;
  }
  if (error.reason !== 'runtime' && error.reason !== 'timeout') {
    const trouble = troubleOf(error);
    if (trouble !== undefined) return trouble;
  }
  const cause = { cause: error };
  const what = launch.kind === 'exec' ? `exec ${process}` : launch.kind;
  switch (error.reason) {
    case 'exists':
      // Of a container that was left alone.
      if (launch.kind !== 'exec') return new ContainerdError('containerExists', '', cause);
      return new ContainerdError('runtimeFailed', `${what}: ${error.message}`, cause);
    case 'stdio':
      return new ContainerdError(isMissing(error) ? 'stdioNotFound' : 'stdioInvalid', error.message, cause);
    case 'runtime': {
      // runc finds many words for it, depending on how far it had come.
      if (launch.kind === 'exec' && (await initHasEnded(runc.root, id))) {
        return new ContainerdError('containerExited', '', cause);
      }
      const logged = (await lastWordsIn(logFile)) || lastWords(error.output);
      const words = logged || error.message;
      const all =
        launch.kind === 'restore' ? await withCriuLog(words, path.join(workPath, 'restore.log')) : words;
      return new ContainerdError('runtimeFailed', all, cause);
    }
    case 'timeout':
      return new ContainerdError('runtimeTimeout', `${what}: ${error.message}`, cause);
    case 'record':
      return new ContainerdError('stateDir', error.message, cause);
    case 'lost':
      // What it began is undone next, and must not go on meanwhile.
      await settleLost();
      return new ContainerdError('shimLost', error.message, cause);
    default:
      return new ContainerdError('runtimeFailed', `${what}: ${error.message}`, cause);
  }
}

const ENOENT = 2;
const isMissing = ({ errno }: ShimError): boolean => errno === ENOENT;
