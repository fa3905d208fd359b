import { constants } from 'node:os';
import { crashPoint } from '../crash-point.ts';
import { ContainerdError } from '../errors.ts';
import type { SignalInput, UpdateInput } from '../machines/process-model.ts';
import type { ShimClient } from '../shim/client.ts';
import { ShimError } from '../shim/error.ts';

const { EINVAL, ENOTTY } = constants.errno;

/** `signal` is undefined for what is no signal. */
function explain(error: unknown, signal?: number): unknown {
  if (!(error instanceof ShimError)) return error;
  const cause = { cause: error };
  if (error.reason === 'noProcess') return new ContainerdError('processNotFound', '', cause);
  if (error.reason === 'lost') return new ContainerdError('shimLost', error.message, cause);
  if (error.errno === ENOTTY) return new ContainerdError('noTerminal', '', cause);
  if (error.errno === EINVAL && signal !== undefined) {
    return new ContainerdError('unknownSignal', String(signal), cause);
  }
  return new ContainerdError('internal', error.message, cause);
}

/** Signals a process through the shim, which alone knows that a pid is still ours. */
export const createSignal =
  (shim: () => ShimClient) =>
  async ({ id, process, signal }: SignalInput): Promise<void> => {
    try {
      await shim().kill({ container: id, process }, signal);
      crashPoint('signal.done');
    } catch (error) {
      throw explain(error, signal);
    }
  };

/** Resizes a process's terminal, or ends its stdin. */
export const createUpdate =
  (shim: () => ShimClient) =>
  async ({ id, process, closeStdin, width, height }: UpdateInput): Promise<void> => {
    try {
      await shim().update({ container: id, process }, { closeStdin, width, height });
      crashPoint('update.done');
    } catch (error) {
      throw explain(error);
    }
  };
